// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"sync"
	"time"

	"serviceconnector.dev/pkg/connections"
)

// settling is for how long a leader has not yet tried all that failed for the one
// before.
const settling = time.Minute

// failures remembers which objects could not be made as they should be, and why.
type failures struct {
	now func() time.Time

	mu sync.Mutex
	// since is when this leader was first asked.
	since time.Time
	// byOwner keeps a definition of which an object has failed.
	byOwner map[string]map[connections.Object]string
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, byOwner: map[string]map[connections.Object]string{}}
}

// known reports whether what is not remembered as failing does not fail: this leader
// has seen how it goes, or had the time to.
func (f *failures) known(owner string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since.IsZero() {
		f.since = f.now()
	}
	return f.byOwner[owner] != nil || f.now().Sub(f.since) > settling
}

// note remembers how it went with an object; a nil error for well.
func (f *failures) note(owner string, object connections.Object, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.byOwner[owner], object)
		return
	}
	if f.byOwner[owner] == nil {
		f.byOwner[owner] = map[connections.Object]string{}
	}
	f.byOwner[owner][object] = err.Error()
}

// forget drops what is remembered of a definition.
func (f *failures) forget(owner string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byOwner, owner)
}

// of returns how many objects of a definition fail, and why the first does.
func (f *failures) of(owner string) (count int, example string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first connections.Object
	for object, message := range f.byOwner[owner] {
		if example == "" || before(object, first) {
			first, example = object, message
		}
	}
	return len(f.byOwner[owner]), example
}

func before(a, b connections.Object) bool {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) < 0
}
