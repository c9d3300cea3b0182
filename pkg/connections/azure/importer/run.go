// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// pass is one import: of all linkers, or of those that were asked for.
type pass struct {
	*Importer
	all       bool
	requested map[types.NamespacedName]string
	// seen is what was looked at, by the Connection's name.
	seen map[types.NamespacedName]wanted
	// keys are those that were read, by the resource id of their target.
	keys map[string]keys
}

// run imports once. What it looked at before it fails is seen.
func (p *pass) run(ctx context.Context) error {
	if !p.all && len(p.requested) == 0 {
		return nil // done with all others meanwhile
	}
	linkers, err := p.Source.Linkers(ctx)
	if err != nil {
		return err
	}
	// By name, so that of two that collide it is always the same that wins.
	slices.SortFunc(linkers, func(a, b azure.Linker) int { return strings.Compare(a.Name, b.Name) })
	problems := 0
	for _, l := range linkers {
		places := p.placesOf(l)
		if len(places) == 0 {
			continue
		}
		w, err := p.want(ctx, l)
		if err != nil {
			return fmt.Errorf("reading the settings of %s: %w", l.Name, err)
		}
		for _, key := range places {
			w.Namespace = key.Namespace
			if problem := p.take(ctx, w); problem != nil {
				problems++
				p.report(ctx, l.Name, problem)
			}
		}
	}
	p.done()
	if !p.all {
		return nil
	}
	p.forgetGone(linkers)
	p.Meter.Imported(len(linkers), problems)
	return p.removeGone(ctx)
}

// placesOf returns those of a linker's Connections that a pass looks at.
func (p *pass) placesOf(l azure.Linker) []types.NamespacedName {
	unknown := azure.Unknown(l, nil)
	namespaces := append([]string{unknown.Namespace}, p.Extra[strings.ToLower(l.Name)]...)
	var places []types.NamespacedName
	for _, namespace := range namespaces {
		key := types.NamespacedName{Namespace: namespace, Name: unknown.Name}
		if (p.all || p.requested[key] != "") && !slices.Contains(places, key) {
			places = append(places, key)
		}
	}
	return places
}

// done takes the requests off that were done.
func (p *pass) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.requests, func(key types.NamespacedName, request string) bool { return p.requested[key] == request })
}

// take makes one linker the Connection that it is to become, and adds it to those
// that were seen. Its problem is what keeps it from that. A Connection stays as it is
// while it is not known what its linker is to become.
func (p *pass) take(ctx context.Context, w wanted) *connections.Problem {
	key := types.NamespacedName{Namespace: w.Namespace, Name: w.Name}
	other, taken := p.seen[key]
	if !taken {
		p.seen[key] = w
	}
	switch {
	case taken:
		return notImported("its name as a Connection, %q, is that of linker %q, too; rename one of them", w.Name, nameOf(other.Linker))
	case w.Problem != nil:
		return w.Problem
	case !p.Serves(w.Namespace):
		return notImported("its namespace %q is not served", w.Namespace)
	}
	w.credentials, w.refreshed = p.readKeys(ctx, w), p.requested[key]
	p.mu.Lock()
	p.wanted[key] = w
	p.mu.Unlock()
	err := p.keep(ctx, w)
	if errors.Is(err, errForeign) {
		p.mu.Lock()
		delete(p.wanted, key)
		p.mu.Unlock()
	}
	if err != nil {
		return notImported("%v", err)
	}
	return nil
}

// want returns what a linker is to become. Its settings are asked for when its
// properties are new.
func (p *pass) want(ctx context.Context, l azure.Linker) (wanted, error) {
	raw, err := json.Marshal(l)
	if err != nil {
		return wanted{}, fmt.Errorf("encoding its properties: %w", err)
	}
	sum := sha256.Sum256(raw)
	digest := hex.EncodeToString(sum[:6])
	p.mu.Lock()
	k, ok := p.settings[l.ID]
	p.mu.Unlock()
	if !ok || k.digest != digest {
		k.settings, err = p.Source.Configurations(ctx, l.Name)
		if azure.Refused(err) { // of this one, perhaps because it goes
			return wanted{Imported: azure.Unknown(l, azure.Explain("reading its settings", err)), digest: digest}, nil
		}
		if err != nil {
			return wanted{}, err
		}
		k.digest = digest
		p.mu.Lock()
		p.settings[l.ID] = k
		p.mu.Unlock()
	}
	return wanted{Imported: azure.Import(l, k.settings, p.Tenant, p.Cloud), digest: digest}, nil
}

// forgetGone takes over which linkers there are.
func (p *pass) forgetGone(linkers []azure.Linker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.doubtful = true, map[types.NamespacedName]bool{}
	for key, w := range p.seen {
		p.doubtful[key] = w.Problem != nil
	}
	maps.DeleteFunc(p.wanted, func(key types.NamespacedName, _ wanted) bool {
		w, ok := p.seen[key]
		return !ok || w.Problem != nil
	})
	maps.DeleteFunc(p.settings, func(id string, _ known) bool {
		return !slices.ContainsFunc(linkers, func(l azure.Linker) bool { return l.ID == id })
	})
}

// removeGone deletes the Connections of linkers that are gone.
func (p *pass) removeGone(ctx context.Context) error {
	var imported v1alpha1.ConnectionList
	if err := p.client.List(ctx, &imported, client.HasLabels{v1alpha1.LabelImported}); err != nil {
		return fmt.Errorf("listing what was imported: %w", err)
	}
	for _, c := range imported.Items {
		if _, ok := p.seen[client.ObjectKeyFromObject(&c)]; ok {
			continue
		}
		err := p.client.Delete(ctx, &c, client.Preconditions{UID: &c.UID, ResourceVersion: &c.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting Connection %s/%s, whose linker is gone: %w", c.Namespace, c.Name, err)
		}
		if err := p.removeKeys(ctx, c.Namespace, c.Name); err != nil {
			return err
		}
		ctrl.LoggerFrom(ctx).Info("removed a Connection whose linker is gone", "namespace", c.Namespace, "name", c.Name)
	}
	return nil
}

// nameOf returns the last part of a resource id.
func nameOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }

func notImported(format string, args ...any) *connections.Problem {
	return &connections.Problem{Reason: v1alpha1.ReasonNotImportable, Message: fmt.Sprintf(format, args...)}
}
