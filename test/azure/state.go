// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Azure's limits and the stand-in's habits until they are changed.
const (
	defaultPageSize = 25
	defaultPolls    = 2
)

// state is what there is in the cloud. Its keys are in lower case.
type state struct {
	identities map[string]*identity
	principals map[string]Principal
	tokens     map[string]grant
	denied     map[string][]string
	clusters   map[string]*cluster
	linkers    map[string]map[string]Linker
	keys       map[string]any
	operations map[string]*operation

	pageSize    int
	update      Update
	writeTime   time.Duration
	propagation time.Duration
	paused      chan struct{}
}

func newState() state {
	return state{
		identities: map[string]*identity{},
		principals: map[string]Principal{},
		tokens:     map[string]grant{},
		denied:     map[string][]string{},
		clusters:   map[string]*cluster{},
		linkers:    map[string]map[string]Linker{},
		keys:       map[string]any{},
		operations: map[string]*operation{},
		pageSize:   defaultPageSize,
		update:     Update{Polls: defaultPolls},
	}
}

// change changes the state, alone.
func (c *Cloud) change(do func(*state)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.state)
}

// SetPageSize sets how many items a list answers at once. Without it: 25.
func (c *Cloud) SetPageSize(n int) { c.change(func(s *state) { s.pageSize = max(n, 1) }) }

// key returns what a resource id or a name is kept under.
func key(id string) string { return strings.ToLower(strings.Trim(id, "/")) }

// sortedBy returns the values of a map in the order of a name without regard to
// case.
func sortedBy[T any](values map[string]T, name func(T) string) []T {
	sorted := make([]T, 0, len(values))
	for _, value := range values {
		sorted = append(sorted, value)
	}
	slices.SortFunc(sorted, func(a, b T) int { return cmp.Compare(key(name(a)), key(name(b))) })
	return sorted
}
