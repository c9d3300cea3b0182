// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"strings"
)

const providers = "providers"

// target is what the path of a request to ARM names: a resource, a list of
// resources, or an action on a resource.
type target struct {
	// scope is what comes before the last provider: a resource group, or another
	// resource.
	scope    string
	provider string
	// types has one more than names for a list and for an action.
	types, names []string
}

// parse reads a path. It returns false for one that names no provider.
func parse(path string) (target, bool) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	last := -1
	for i, segment := range segments {
		if segment == "" {
			return target{}, false
		}
		if strings.EqualFold(segment, providers) {
			last = i
		}
	}
	if last < 0 || len(segments) < last+3 {
		return target{}, false
	}
	t := target{provider: segments[last+1]}
	if last > 0 {
		t.scope = "/" + strings.Join(segments[:last], "/")
	}
	for i, segment := range segments[last+2:] {
		if i%2 == 0 {
			t.types = append(t.types, segment)
		} else {
			t.names = append(t.names, segment)
		}
	}
	return t, true
}

// open tells whether the path ends with a type.
func (t target) open() bool { return len(t.types) > len(t.names) }

// kind returns provider and types in lower case.
func (t target) kind() string {
	return strings.ToLower(t.provider + "/" + strings.Join(t.types, "/"))
}

// id returns the id of the first n resources of the path.
func (t target) id(n int) string {
	if n == 0 {
		return t.scope
	}
	var b strings.Builder
	b.WriteString(t.scope + "/" + providers + "/" + t.provider)
	for i := range n {
		b.WriteString("/" + t.types[i] + "/" + t.names[i])
	}
	return b.String()
}

// resource returns the id of the resource that is named, or that the list or
// the action belongs to.
func (t target) resource() string { return t.id(len(t.names)) }

// path returns the path with the spelling of provider and types that the SDK
// uses.
func (t target) path(provider string, types ...string) string {
	t.provider, t.types = provider, types
	if !t.open() {
		return t.resource()
	}
	last := types[len(types)-1]
	if len(t.names) == 0 {
		return t.scope + "/" + providers + "/" + provider + "/" + last
	}
	return t.resource() + "/" + last
}

// action returns what roles would have to allow for a method.
func (t target) action(method string) string {
	verb := map[string]string{
		http.MethodGet: "read", http.MethodHead: "read", http.MethodPut: "write", http.MethodPatch: "write",
		http.MethodDelete: "delete", http.MethodPost: "action",
	}[method]
	return t.provider + "/" + strings.Join(t.types, "/") + "/" + verb
}

// segment returns what follows a word in the scope, such as the name of the
// subscription.
func (t target) segment(word string) string {
	segments := strings.Split(strings.Trim(t.scope, "/"), "/")
	for i := 0; i+1 < len(segments); i += 2 {
		if strings.EqualFold(segments[i], word) {
			return segments[i+1]
		}
	}
	return ""
}
