// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Marks are what the metadata of an object of ours says.
type Marks struct {
	// Owner names the definition it was made from.
	Owner string
	// Revision and Credentials are what it was made from: the definition, and the
	// state of its credentials. Those of a service account are its identity, which
	// several connections may share, and nothing.
	Revision, Credentials string
	// Changed is when its data last changed, in RFC 3339; "" for never.
	Changed string
	// Delete says that it goes when it is no longer needed.
	Delete bool
	// UID and ResourceVersion are those of the object.
	UID, ResourceVersion string
}

func marksOf(kind connections.Kind, object *metav1.PartialObjectMetadata) Marks {
	annotations := object.Annotations
	marks := Marks{
		Owner:           annotations[v1alpha1.AnnotationOwner],
		Revision:        annotations[v1alpha1.AnnotationRevision],
		Credentials:     annotations[v1alpha1.AnnotationCredentials],
		Changed:         annotations[v1alpha1.AnnotationChanged],
		Delete:          annotations[v1alpha1.AnnotationDeletionPolicy] == string(v1alpha1.DeletionDelete),
		UID:             string(object.UID),
		ResourceVersion: object.ResourceVersion,
	}
	if kind == connections.KindServiceAccount {
		marks.Revision = connections.IdentityOf(object).String()
	}
	return marks
}

// set records an object as an informer has it.
func (i *Index) set(object connections.Object, marks Marks) {
	i.mu.Lock()
	before, known := i.objects[object]
	delete(i.notes, object)
	i.disown(object)
	i.objects[object] = marks
	if i.owned[marks.Owner] == nil {
		i.owned[marks.Owner] = map[connections.Object]struct{}{}
	}
	i.owned[marks.Owner][object] = struct{}{}
	i.mu.Unlock()
	if !known || before != marks {
		i.tell(Change{Object: object, Owner: marks.Owner, Cause: CauseObject})
	}
}

// forget drops an object that an informer says is gone.
func (i *Index) forget(object connections.Object) {
	i.mu.Lock()
	marks, known := i.objects[object]
	delete(i.notes, object)
	i.disown(object)
	delete(i.objects, object)
	i.mu.Unlock()
	if known {
		i.tell(Change{Object: object, Owner: marks.Owner, Cause: CauseObject})
	}
}

// disown takes an object from its owner. The caller holds the lock.
func (i *Index) disown(object connections.Object) {
	owner := i.objects[object].Owner
	delete(i.owned[owner], object)
	if len(i.owned[owner]) == 0 {
		delete(i.owned, owner)
	}
}

// Object returns the marks of an object of ours, as an informer has it.
func (i *Index) Object(object connections.Object) (Marks, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	marks, ok := i.objects[object]
	return marks, ok
}

// All returns every object of ours.
func (i *Index) All() []connections.Object {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return slices.Collect(maps.Keys(i.objects))
}

// Owned returns the objects that were made from a definition.
func (i *Index) Owned(owner string) []connections.Object {
	i.mu.RLock()
	defer i.mu.RUnlock()
	objects := make([]connections.Object, 0, len(i.owned[owner]))
	for object := range i.owned[owner] {
		objects = append(objects, object)
	}
	return objects
}

// Count returns in how many namespaces a binding is provisioned, and in how many
// of them at its revision and this state of its credentials.
func (i *Index) Count(b *connections.Binding, credentials string) (total, current int) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	for object := range i.owned[b.Definition.Owner()] {
		if object.Kind == connections.KindServiceAccount {
			continue
		}
		total++
		if marks := i.objects[object]; marks.Revision == b.Revision && marks.Credentials == credentials {
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

// Labels returns the labels of a namespace, nil for one that is not known.
func (i *Index) Labels(namespace string) labels.Set {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.namespaces[namespace].labels
}

// Serves reports whether the definition that owner names exists and serves a
// namespace.
func (i *Index) Serves(owner, namespace string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	e, ok := i.definition(owner)
	return ok && e.serves(i.namespaces[namespace].labels)
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

// Open reports whether objects can be made in a namespace: it is there, and does
// not terminate.
func (i *Index) Open(namespace string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	known, ok := i.namespaces[namespace]
	return ok && !known.terminating
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
		if e.serves(i.namespaces[object.Namespace].labels) {
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
	marks, ok := i.objects[b.SettingsIn(object.Namespace)]
	return ok && marks.Owner == b.Definition.Owner()
}
