// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"sync"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// staleness is how far the workloads of a definition are from its present values.
type staleness struct {
	// workloads is how many run with earlier values, example one of them.
	workloads int
	example   string
	// reason is that of the RolledOut condition, detail what there is to say.
	reason, detail string
}

// message is that of the RolledOut condition.
func (s staleness) message() string {
	if s.workloads == 0 {
		return "no running pod has earlier values"
	}
	return fmt.Sprintf("%d workloads run with earlier values, such as %s: %s", s.workloads, s.example, s.detail)
}

// stale remembers the staleness of each definition, and tells when it changes.
type stale struct {
	mu sync.Mutex
	// looked says that pods have been looked at.
	looked    bool
	byOwner   map[string]staleness
	followers []func(owner string)
}

// follow has f called with each definition whose staleness changes.
func (s *stale) follow(f func(owner string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers = append(s.followers, f)
}

// set replaces what is known.
func (s *stale) set(now map[string]staleness, owners func() []string) {
	s.mu.Lock()
	before, first := s.byOwner, !s.looked
	s.byOwner, s.looked = now, true
	followers := s.followers
	s.mu.Unlock()
	changed := map[string]struct{}{}
	for owner := range now {
		changed[owner] = struct{}{}
	}
	for owner := range before {
		changed[owner] = struct{}{}
	}
	maps.DeleteFunc(changed, func(owner string, _ struct{}) bool { return before[owner] == now[owner] })
	if first { // their conditions were of the leader before
		for _, owner := range owners() {
			changed[owner] = struct{}{}
		}
	}
	for owner := range changed {
		for _, f := range followers {
			f(owner)
		}
	}
}

// of returns a definition's staleness; not known before pods have been looked at.
func (s *stale) of(owner string) (found staleness, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byOwner[owner]
	if !ok {
		found.reason = v1alpha1.ReasonRolledOut
	}
	return found, s.looked
}
