// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/provision"
)

// fresh is how long a rendering counts as of now. It makes one reading of the
// credentials do for the many namespaces that follow a change of them.
const fresh = 2 * time.Second

// renderings remembers what was last rendered for each definition, and tells when
// that is of other credentials than before.
type renderings struct {
	renderer Renderer
	now      func() time.Time

	mu      sync.Mutex
	entries map[string]*rendered
	changed func(owner, credentials string)
}

// rendered is the last rendering of one definition.
type rendered struct {
	mu       sync.Mutex
	at       time.Time
	revision string
	result   *provision.Rendering
	// known says that credentials is that of an earlier rendering that succeeded.
	known       bool
	credentials string
}

func newRenderings(renderer Renderer, now func() time.Time) *renderings {
	return &renderings{renderer: renderer, now: now, entries: map[string]*rendered{}, changed: func(string, string) {}}
}

// notify has f called with the owner, and the state of its credentials, for each
// that is known, and whenever one is found to have changed or become known.
func (r *renderings) notify(f func(owner, credentials string)) {
	r.mu.Lock()
	r.changed = f
	entries := maps.Clone(r.entries)
	r.mu.Unlock()
	for owner, entry := range entries {
		entry.mu.Lock()
		known, credentials := entry.known, entry.credentials
		entry.mu.Unlock()
		if known {
			f(owner, credentials)
		}
	}
}

// of returns what an object of a binding should hold, nil for one without
// settings.
func (r *renderings) of(ctx context.Context, object connections.Object, b *connections.Binding) (*provision.Rendering, error) {
	if object.Kind == connections.KindServiceAccount {
		return nil, nil
	}
	return r.settings(ctx, b)
}

// settings returns the rendering of a binding, at most two seconds old.
func (r *renderings) settings(ctx context.Context, b *connections.Binding) (*provision.Rendering, error) {
	owner := b.Definition.Owner()
	entry := r.entry(owner)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.result != nil && entry.revision == b.Revision && r.now().Sub(entry.at) < fresh {
		return entry.result, nil
	}
	result, err := r.renderer.Render(ctx, b)
	entry.at, entry.revision, entry.result = r.now(), b.Revision, result
	if err != nil {
		entry.result, entry.known = nil, false
		return nil, err
	}
	credentials := credentialsOf(result)
	if !entry.known || entry.credentials != credentials {
		entry.known, entry.credentials = true, credentials
		r.tell(owner, credentials)
	}
	return result, nil
}

// sweep drops what was rendered a while ago: nobody's settings stay in memory for
// longer than they are needed.
func (r *renderings) sweep() {
	r.mu.Lock()
	entries := slices.Collect(maps.Values(r.entries))
	r.mu.Unlock()
	for _, entry := range entries {
		entry.mu.Lock()
		if r.now().Sub(entry.at) >= fresh {
			entry.result = nil
		}
		entry.mu.Unlock()
	}
}

// credentials returns the last known state of a definition's credentials.
func (r *renderings) credentials(owner string) (state string, known bool) {
	entry := r.entry(owner)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	return entry.credentials, entry.known
}

// forget drops what is known of a definition.
func (r *renderings) forget(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, owner)
}

func (r *renderings) entry(owner string) *rendered {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[owner] == nil {
		r.entries[owner] = &rendered{}
	}
	return r.entries[owner]
}

func (r *renderings) tell(owner, credentials string) {
	r.mu.Lock()
	f := r.changed
	r.mu.Unlock()
	f(owner, credentials)
}

// credentialsOf returns the state of the credentials that a rendering is of.
func credentialsOf(r *provision.Rendering) string {
	if r == nil {
		return ""
	}
	return r.Credentials
}
