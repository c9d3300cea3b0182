// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"sync"

	"serviceconnector.dev/pkg/connections"
)

// failures remembers which objects could not be made as they should be, and why.
type failures struct {
	mu      sync.Mutex
	byOwner map[string]map[connections.Object]string
}

func newFailures() *failures {
	return &failures{byOwner: map[string]map[connections.Object]string{}}
}

// note remembers how it went with an object; a nil error for well.
func (f *failures) note(owner string, object connections.Object, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.byOwner[owner], object)
		if len(f.byOwner[owner]) == 0 {
			delete(f.byOwner, owner)
		}
		return
	}
	if f.byOwner[owner] == nil {
		f.byOwner[owner] = map[connections.Object]string{}
	}
	f.byOwner[owner][object] = err.Error()
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
