// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Need is an object that injected workloads refer to.
type Need struct {
	connections.Object
	// Owner names the definition it comes from.
	Owner string
	// Manifest is the object as JSON; nil where Missing says why it could not be
	// rendered.
	Manifest json.RawMessage
	Missing  *connections.Problem
	// Given says that a file holds the object already; Stale, that the file's
	// differs.
	Given, Stale bool
}

// provisioner runs the webhook's provisioner on a World. Credentials that no file
// holds are no fault here: their Secret is noted as needed.
type provisioner struct {
	*provision.Provisioner
	world *World

	mu      sync.Mutex
	owners  map[connections.Object]string
	missing map[connections.Object]*connections.Problem
}

func newProvisioner(w *World) *provisioner {
	client := provision.Client{Core: core{store: w.objects}, Dynamic: dynamicStore{w.objects}, Mapper: kinds{}}
	return &provisioner{
		Provisioner: provision.New(client, w.objects, w.objects, logr.Discard(), w.home, noClock),
		world:       w,
		owners:      map[connections.Object]string{},
		missing:     map[connections.Object]*connections.Problem{},
	}
}

// noClock is the time that a rendering is made at: the same files give the same
// output.
func noClock() time.Time { return time.Time{} }

// EnsureServiceAccount makes the service account of a binding.
func (p *provisioner) EnsureServiceAccount(ctx context.Context, namespace string, b *connections.Binding, mode provision.Mode) (bool, error) {
	p.need(connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: b.ServiceAccount}, b, nil)
	return p.Provisioner.EnsureServiceAccount(ctx, namespace, b, mode)
}

// EnsureSettings makes the Secret or the SecretProviderClass of a binding.
func (p *provisioner) EnsureSettings(ctx context.Context, namespace string, b *connections.Binding, mode provision.Mode) error {
	if b.ProviderClass != nil {
		p.need(connections.Object{Kind: connections.KindProviderClass, Namespace: namespace, Name: b.ProviderClass.Name}, b, nil)
		return p.Provisioner.EnsureSettings(ctx, namespace, b, mode)
	}
	absent := unread(p.Provisioner.Check(ctx, b))
	p.need(connections.Object{Kind: connections.KindSecret, Namespace: namespace, Name: b.Secret}, b, absent)
	if absent != nil {
		return nil
	}
	return p.Provisioner.EnsureSettings(ctx, namespace, b, mode)
}

// Check finds out whether a binding could be provisioned. Where no file holds the
// credentials, what the cluster said of the connection counts.
func (p *provisioner) Check(ctx context.Context, b *connections.Binding) error {
	err := p.Provisioner.Check(ctx, b)
	if unread(err) == nil {
		return err
	}
	if doubt := p.world.doubt(b); doubt != nil {
		return doubt
	}
	return nil
}

// Carries reports whether a service account carries an identity: a file's, else
// the cluster's.
func (p *provisioner) Carries(ctx context.Context, namespace, account string, wanted v1alpha1.WorkloadIdentity) (bool, error) {
	carries, err := p.Provisioner.Carries(ctx, namespace, account, wanted)
	if carries || err != nil || p.world.accounts == nil {
		return carries, err
	}
	object, err := p.world.accounts(ctx, namespace, account)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading service account %q in namespace %q: %w", account, namespace, err)
	}
	return connections.IdentityOf(object).OpenTo(wanted).AcceptedAs(wanted), nil
}

// unread returns the problem behind an error if it is that the credentials are
// not among the files.
func unread(err error) *connections.Problem {
	var problem *connections.Problem
	if errors.As(err, &problem) && (problem.Reason == v1alpha1.ReasonCredentialsNotFound || problem.Reason == v1alpha1.ReasonServiceNotProvisioned) {
		return problem
	}
	return nil
}

func (w *World) doubt(b *connections.Binding) *connections.Problem {
	for _, o := range w.own {
		if o.Binding == b {
			return o.Doubt
		}
	}
	for _, o := range w.shared {
		if o.Binding == b {
			return o.Doubt
		}
	}
	return nil
}

func (p *provisioner) need(object connections.Object, b *connections.Binding, missing *connections.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.owners[object]; known {
		return
	}
	p.owners[object] = b.Definition.Owner()
	if missing != nil {
		p.missing[object] = missing
	}
}

// needs lists what was needed, sorted.
func (p *provisioner) needs() []Need {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Need
	for object, owner := range p.owners {
		made := p.world.objects.made[object]
		given, isGiven := p.world.objects.given[object]
		n := Need{Object: object, Owner: owner, Missing: p.missing[object], Manifest: made, Given: isGiven}
		n.Stale = isGiven && made != nil && !holds(given, made)
		if made == nil && isGiven { // what a file has does
			n.Manifest, n.Missing = given, nil
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// holds reports whether an object says all that another does.
func holds(raw, wanted []byte) bool {
	var a, b any
	return json.Unmarshal(raw, &a) == nil && json.Unmarshal(wanted, &b) == nil && contains(a, b)
}

func contains(have, want any) bool {
	wanted, ok := want.(map[string]any)
	if !ok {
		return reflect.DeepEqual(have, want)
	}
	present, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range wanted {
		if !contains(present[key], value) {
			return false
		}
	}
	return true
}
