// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import "serviceconnector.dev/pkg/connections"

// Change says that an object of ours may have to be looked at.
type Change struct {
	Object connections.Object
	// Owner names the definition that the object is or was made from.
	Owner string
	Cause Cause
}

// Cause is why an object may have to be looked at.
type Cause int

// The causes.
const (
	// CauseOwner: its definition changed or went.
	CauseOwner Cause = iota
	// CauseNamespace: its namespace changed or went.
	CauseNamespace
	// CauseObject: it changed itself, or went.
	CauseObject
	// CauseNew: it was not there before.
	CauseNew
)

// Follow tells f of every change, until stop is called. f must not block. What there
// was before is in All.
func (i *Index) Follow(f func(Change)) (stop func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.followers[&f] = struct{}{}
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.followers, &f)
	}
}

// tell passes changes on. The caller does not hold the lock.
func (i *Index) tell(changes ...Change) {
	i.mu.RLock()
	followers := make([]func(Change), 0, len(i.followers))
	for f := range i.followers {
		followers = append(followers, *f)
	}
	i.mu.RUnlock()
	for _, f := range followers {
		for _, change := range changes {
			f(change)
		}
	}
}
