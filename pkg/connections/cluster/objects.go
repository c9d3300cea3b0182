// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"iter"
	"maps"
	"slices"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections"
)

// set records an object as the API server has it.
func (i *Index) set(r *record) {
	i.mu.Lock()
	before := i.objects.put(r)
	delete(i.notes, r.key)
	i.disown(before)
	if i.owned[r.owner] == nil {
		i.owned[r.owner] = map[*record]struct{}{}
	}
	i.owned[r.owner][r] = struct{}{}
	i.mu.Unlock()
	switch {
	case before == nil:
		i.tell(r.change(CauseNew))
	case *before != *r:
		i.tell(r.change(CauseObject))
	}
}

// forget drops an object that the API server has no more.
func (i *Index) forget(k key) {
	i.mu.Lock()
	before := i.objects.remove(k)
	delete(i.notes, k)
	i.disown(before)
	i.mu.Unlock()
	if before != nil {
		i.tell(before.change(CauseObject))
	}
}

// replace sets all objects of a kind that there are in a namespace, or in all.
func (i *Index) replace(kind connections.Kind, namespace string, all []*record) {
	gone := map[key]struct{}{}
	i.mu.RLock()
	for _, r := range i.objects.all() {
		if r.kind.Value() == string(kind) && (namespace == metav1.NamespaceAll || r.namespace.Value() == namespace) {
			gone[r.key] = struct{}{}
		}
	}
	i.mu.RUnlock()
	for _, r := range all {
		delete(gone, r.key)
		i.set(r)
	}
	for k := range gone {
		i.forget(k)
	}
}

// disown takes an object from its owner. The caller holds the lock.
func (i *Index) disown(r *record) {
	if r == nil {
		return
	}
	delete(i.owned[r.owner], r)
	if len(i.owned[r.owner]) == 0 {
		delete(i.owned, r.owner)
	}
}

// Object returns the marks of an object of ours, as the API server has it.
func (i *Index) Object(object connections.Object) (Marks, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	r := i.objects.find(keyOf(object))
	if r == nil {
		return Marks{}, false
	}
	return r.marks(), true
}

// All returns every object of ours that there is at the moment of the call, and the
// name of its owner.
func (i *Index) All() iter.Seq2[connections.Object, string] {
	i.mu.RLock()
	defer i.mu.RUnlock()
	all := i.objects.all()
	return func(yield func(connections.Object, string) bool) {
		for _, r := range all {
			if !yield(r.object(), r.owner.Value()) {
				return
			}
		}
	}
}

// Owned returns the objects that were made from a definition.
func (i *Index) Owned(owner string) []connections.Object {
	i.mu.RLock()
	defer i.mu.RUnlock()
	owned := i.owned[unique.Make(owner)]
	objects := make([]connections.Object, 0, len(owned))
	for r := range owned {
		objects = append(objects, r.object())
	}
	return objects
}

// Count returns in how many namespaces a binding is provisioned, and in how many
// of them at its revision and this state of its credentials.
func (i *Index) Count(b *connections.Binding, credentials string) (total, current int) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	account := unique.Make(string(connections.KindServiceAccount))
	revision, state := unique.Make(b.Revision), unique.Make(credentials)
	for r := range i.owned[unique.Make(b.Definition.Owner())] {
		if r.kind == account {
			continue
		}
		total++
		if r.revision == revision && r.credentials == state {
			current++
		}
	}
	return total, current
}

// Definition returns what is offered by the definition that owner names, and
// whether there is one.
func (i *Index) Definition(owner string) (offer connections.Offer, ok bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	e, ok := i.definition(owner)
	return e.offer, ok
}

// Definitions returns what every definition offers, by owner.
func (i *Index) Definitions() map[string]connections.Offer {
	i.mu.RLock()
	defer i.mu.RUnlock()
	offers := make(map[string]connections.Offer, len(i.own)+len(i.shared))
	for key, e := range i.own {
		offers[connections.Definition{Namespace: key.Namespace, Name: key.Name}.Owner()] = e.offer
	}
	for name, e := range i.shared {
		offers[connections.Definition{Name: name}.Owner()] = e.offer
	}
	return offers
}

// Owners names every definition.
func (i *Index) Owners() []string {
	return slices.Collect(maps.Keys(i.Definitions()))
}

// Serves reports whether the definition that owner names exists and serves a
// namespace.
func (i *Index) Serves(owner, namespace string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	e, ok := i.definition(owner)
	return ok && e.serves(i.namespaces[namespace])
}

func (i *Index) definition(owner string) (entry, bool) {
	namespace, name := connections.ParseOwner(owner)
	if namespace == "" {
		e, ok := i.shared[name]
		return e, ok
	}
	e, ok := i.own[types.NamespacedName{Namespace: namespace, Name: name}]
	return e, ok
}

// Heir returns the binding of another definition than owner that needs an object
// where it is: for a service account, one that is provisioned there; nil for none.
func (i *Index) Heir(object connections.Object, owner string) *connections.Binding {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var heir *connections.Binding
	consider := func(e entry) {
		b := e.offer.Binding
		if b == nil || b.Definition.Owner() == owner || !b.Needs(object) || !i.provisioned(object, b) {
			return
		}
		if heir == nil || b.Definition.Owner() < heir.Definition.Owner() {
			heir = b
		}
	}
	for key, e := range i.own {
		if key.Namespace == object.Namespace {
			consider(e)
		}
	}
	for _, e := range i.shared {
		if e.serves(i.namespaces[object.Namespace]) {
			consider(e)
		}
	}
	return heir
}

// provisioned reports whether a service account is of a binding whose settings are
// in its namespace, too. The caller holds the lock.
func (i *Index) provisioned(object connections.Object, b *connections.Binding) bool {
	if object.Kind != connections.KindServiceAccount {
		return true
	}
	r := i.objects.find(keyOf(b.SettingsIn(object.Namespace)))
	return r != nil && r.owner.Value() == b.Definition.Owner()
}

// Waits reports whether the identity of a binding is not known to be trusted in a
// namespace yet, although the product sees to that.
func (i *Index) Waits(namespace string, b *connections.Binding) bool {
	if !b.Federates() {
		return false
	}
	account := keyOf(connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: b.ServiceAccount})
	i.mu.RLock()
	defer i.mu.RUnlock()
	r := i.objects.find(account)
	return r == nil || r.credentials.Value() == ""
}
