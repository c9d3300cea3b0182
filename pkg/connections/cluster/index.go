// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections"
)

// noteLifetime is how long a Note counts without the watch's word. It covers
// a watch that is behind, and objects that no watch of ours sees, which
// somebody else may change meanwhile.
const noteLifetime = 10 * time.Second

// Index is what is known of the cluster. It is safe for concurrent use.
type Index struct {
	now func() time.Time

	mu         sync.RWMutex
	own        map[types.NamespacedName]entry
	shared     map[string]entry
	namespaces map[string]*namespaceState
	objects    records
	owned      map[interned]map[*record]struct{} // by owner
	notes      map[key]note
	swept      time.Time
	followers  map[*func(Change)]struct{}
}

// note is the revision of an object that was just written, or seen.
type note struct {
	revision string
	expires  time.Time
}

// NewIndex returns an empty Index that reads the time from now.
func NewIndex(now func() time.Time) *Index {
	return &Index{
		now:        now,
		own:        map[types.NamespacedName]entry{},
		shared:     map[string]entry{},
		namespaces: map[string]*namespaceState{},
		objects:    records{},
		owned:      map[interned]map[*record]struct{}{},
		notes:      map[key]note{},
		followers:  map[*func(Change)]struct{}{},
	}
}

// Lookup returns the offer of that name to a namespace: the namespace's own
// Connection, else a ClusterConnection that serves it.
func (i *Index) Lookup(namespace, name string) (connections.Offer, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if e, ok := i.own[types.NamespacedName{Namespace: namespace, Name: name}]; ok {
		return e.offer, true
	}
	e, ok := i.shared[name]
	if !ok || !e.serves(i.namespaces[namespace]) {
		return connections.Offer{}, false
	}
	return e.offer, true
}

// Available returns the names of the connections that a namespace can use,
// sorted.
func (i *Index) Available(namespace string) []string {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var names []string
	for key := range i.own {
		if key.Namespace == namespace {
			names = append(names, key.Name)
		}
	}
	for name, e := range i.shared {
		if e.serves(i.namespaces[namespace]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Known returns the revision of an object that is known to exist: what was just
// noted, else what the watch said.
func (i *Index) Known(object connections.Object) (revision string, ok bool) {
	k := keyOf(object)
	i.mu.RLock()
	defer i.mu.RUnlock()
	if n, ok := i.notes[k]; ok && !i.now().After(n.expires) {
		return n.revision, true
	}
	if r := i.objects.find(k); r != nil {
		return r.revision.Value(), true
	}
	return "", false
}

// Note records that an object was just written, or seen, with a revision. The
// next word of the watch replaces the note; without one it lapses.
func (i *Index) Note(object connections.Object, revision string) {
	k := keyOf(object)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sweep()
	if seen := i.objects.find(k); seen != nil && seen.revision.Value() == revision {
		delete(i.notes, k)
		return
	}
	i.notes[k] = note{revision: revision, expires: i.now().Add(noteLifetime)}
}

// sweep drops the notes that have lapsed, once in a lifetime of theirs.
func (i *Index) sweep() {
	now := i.now()
	if now.Sub(i.swept) < noteLifetime {
		return
	}
	i.swept = now
	maps.DeleteFunc(i.notes, func(_ key, n note) bool { return now.After(n.expires) })
}
