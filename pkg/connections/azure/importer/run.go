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

// run imports once. It returns what it looked at, also where it fails.
func (i *Importer) run(ctx context.Context) (map[types.NamespacedName]wanted, error) {
	seen, problems := map[types.NamespacedName]wanted{}, 0
	linkers, err := i.Source.Linkers(ctx)
	if err != nil {
		return seen, err
	}
	// By name, so that of two that collide it is always the same that wins.
	slices.SortFunc(linkers, func(a, b azure.Linker) int { return strings.Compare(a.Name, b.Name) })
	for _, l := range linkers {
		w, err := i.want(ctx, l)
		if err != nil {
			return seen, fmt.Errorf("reading the settings of %s: %w", l.Name, err)
		}
		if w.Problem = i.take(ctx, w, seen); w.Problem != nil {
			problems++
			i.report(ctx, l.Name, w.Problem)
		}
	}
	i.forgetGone(linkers, seen)
	i.Meter.Imported(len(linkers), problems)
	return seen, i.removeGone(ctx, seen)
}

// take makes one linker the Connection that it is to become, and adds it to those
// that were seen. Its problem is what keeps it from that. A Connection stays as it is
// while it is not known what its linker is to become.
func (i *Importer) take(ctx context.Context, w wanted, seen map[types.NamespacedName]wanted) *connections.Problem {
	key := types.NamespacedName{Namespace: w.Namespace, Name: w.Name}
	other, taken := seen[key]
	if !taken {
		seen[key] = w
	}
	switch {
	case taken:
		return notImported("its name as a Connection, %q, is that of linker %q, too; rename one of them", w.Name, nameOf(other.Linker))
	case w.Problem != nil:
		return w.Problem
	case !i.Serves(w.Namespace):
		return notImported("its namespace %q is not served", w.Namespace)
	}
	w.credentials = i.readKeys(ctx, w)
	i.mu.Lock()
	i.wanted[key] = w
	i.mu.Unlock()
	err := i.keep(ctx, w)
	if errors.Is(err, errForeign) {
		i.mu.Lock()
		delete(i.wanted, key)
		i.mu.Unlock()
	}
	if err != nil {
		return notImported("%v", err)
	}
	return nil
}

// want returns what a linker is to become. Its settings are asked for when its
// properties are new.
func (i *Importer) want(ctx context.Context, l azure.Linker) (wanted, error) {
	raw, err := json.Marshal(l)
	if err != nil {
		return wanted{}, fmt.Errorf("encoding its properties: %w", err)
	}
	sum := sha256.Sum256(raw)
	digest := hex.EncodeToString(sum[:6])
	i.mu.Lock()
	k, ok := i.settings[l.ID]
	i.mu.Unlock()
	if !ok || k.digest != digest {
		k.settings, err = i.Source.Configurations(ctx, l.Name)
		if azure.Refused(err) { // of this one, perhaps because it goes
			return wanted{Imported: azure.Unknown(l, azure.Explain("reading its settings", err)), digest: digest}, nil
		}
		if err != nil {
			return wanted{}, err
		}
		k.digest = digest
		i.mu.Lock()
		i.settings[l.ID] = k
		i.mu.Unlock()
	}
	return wanted{Imported: azure.Import(l, k.settings, i.Tenant, i.Cloud), digest: digest}, nil
}

// forgetGone takes over which linkers there are.
func (i *Importer) forgetGone(linkers []azure.Linker, seen map[types.NamespacedName]wanted) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ready, i.doubtful = true, map[types.NamespacedName]bool{}
	for key, w := range seen {
		i.doubtful[key] = w.Problem != nil
	}
	maps.DeleteFunc(i.wanted, func(key types.NamespacedName, _ wanted) bool {
		w, ok := seen[key]
		return !ok || w.Problem != nil
	})
	maps.DeleteFunc(i.settings, func(id string, _ known) bool {
		return !slices.ContainsFunc(linkers, func(l azure.Linker) bool { return l.ID == id })
	})
}

// removeGone deletes the Connections of linkers that are gone.
func (i *Importer) removeGone(ctx context.Context, seen map[types.NamespacedName]wanted) error {
	var imported v1alpha1.ConnectionList
	if err := i.client.List(ctx, &imported, client.HasLabels{v1alpha1.LabelImported}); err != nil {
		return fmt.Errorf("listing what was imported: %w", err)
	}
	for _, c := range imported.Items {
		if _, ok := seen[client.ObjectKeyFromObject(&c)]; ok {
			continue
		}
		err := i.client.Delete(ctx, &c, client.Preconditions{UID: &c.UID, ResourceVersion: &c.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting Connection %s/%s, whose linker is gone: %w", c.Namespace, c.Name, err)
		}
		if err := i.removeKeys(ctx, c.Namespace, c.Name); err != nil {
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
