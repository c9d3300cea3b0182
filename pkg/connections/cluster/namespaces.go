// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"slices"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// namespaceState is what is kept of a namespace. As labels.Labels it is its labels,
// in less memory than a map.
type namespaceState struct {
	name        string
	uid         types.UID
	labels      []label
	terminating bool
}

type label struct{ key, value interned }

var _ labels.Labels = (*namespaceState)(nil)

func namespaceOf(object *metav1.PartialObjectMetadata) *namespaceState {
	n := &namespaceState{name: object.Name, uid: object.UID, terminating: object.DeletionTimestamp != nil, labels: make([]label, 0, len(object.Labels))}
	for _, key := range slices.Sorted(maps.Keys(object.Labels)) {
		n.labels = append(n.labels, label{unique.Make(key), unique.Make(object.Labels[key])})
	}
	return n
}

// Lookup returns the value of a label, and whether it is there.
func (n *namespaceState) Lookup(label string) (value string, exists bool) {
	for _, l := range n.labels {
		if l.key.Value() == label {
			return l.value.Value(), true
		}
	}
	return "", false
}

// Has reports whether a label is there.
func (n *namespaceState) Has(label string) bool {
	_, exists := n.Lookup(label)
	return exists
}

// Get returns the value of a label, "" where it is not there.
func (n *namespaceState) Get(label string) string {
	value, _ := n.Lookup(label)
	return value
}

func (i *Index) setNamespace(n *namespaceState) {
	i.mu.Lock()
	before := i.namespaces[n.name]
	i.namespaces[n.name] = n
	var changes []Change
	if len(i.followers) > 0 && (before == nil || before.terminating != n.terminating || !slices.Equal(before.labels, n.labels)) {
		for _, r := range i.objects[unique.Make(n.name)] {
			changes = append(changes, r.change(CauseNamespace))
		}
	}
	i.mu.Unlock()
	i.tell(changes...)
}

func (i *Index) forgetNamespace(n *namespaceState) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.namespaces, n.name)
}

// replaceNamespaces sets all namespaces there are.
func (i *Index) replaceNamespaces(all []*namespaceState) {
	there := make(map[string]struct{}, len(all))
	for _, n := range all {
		there[n.name] = struct{}{}
		i.setNamespace(n)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	maps.DeleteFunc(i.namespaces, func(name string, _ *namespaceState) bool {
		_, ok := there[name]
		return !ok
	})
}

// Labels returns the labels of a namespace; it has none if it is not known.
func (i *Index) Labels(namespace string) labels.Labels {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if n := i.namespaces[namespace]; n != nil {
		return n
	}
	return labels.Set{}
}

// Open reports whether objects can be made in a namespace: it is there, and does
// not terminate.
func (i *Index) Open(namespace string) bool {
	_, open := i.Namespace(namespace)
	return open
}

// Namespace returns the UID of a namespace in which objects can be made, and whether
// it is one.
func (i *Index) Namespace(name string) (uid types.UID, open bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	known := i.namespaces[name]
	if known == nil || known.terminating {
		return "", false
	}
	return known.uid, true
}
