// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// candidate is a workload that runs with earlier values.
type candidate struct {
	workload workload
	object   client.Object
	phase    phase
}

// definitions answers what a plan needs to know of a definition.
type definitions interface {
	Definition(owner string) (connections.Offer, bool)
}

// plan says which workloads are rolled next.
type plan struct {
	known   definitions
	byOwner map[string][]candidate
	// busy are the workloads that roll, for whichever definition.
	busy map[workload]struct{}
}

func newPlan(known definitions) *plan {
	return &plan{known: known, byOwner: map[string][]candidate{}, busy: map[workload]struct{}{}}
}

func (p *plan) spec(owner string) v1alpha1.ConnectionSpec {
	offer, _ := p.known.Definition(owner)
	if offer.Binding == nil {
		return v1alpha1.ConnectionSpec{}
	}
	return offer.Binding.Definition.Spec
}

func (p *plan) policy(owner string) v1alpha1.RolloutPolicy { return p.spec(owner).Rollout }

func (p *plan) add(owner string, c candidate) {
	p.byOwner[owner] = append(p.byOwner[owner], c)
	if c.phase == phaseRolling {
		p.busy[c.workload] = struct{}{}
	}
}

// choose picks those that begin now: a few at a time, none while a roll-out of the
// same definition has failed, none while its window is closed. They count as
// rolling from then on.
func (p *plan) choose(now time.Time) []candidate {
	var chosen []candidate
	for _, owner := range slices.Sorted(maps.Keys(p.byOwner)) {
		list := p.byOwner[owner]
		if has(list, phaseFailed) || !open(p.spec(owner).RolloutWindow, now) {
			continue
		}
		for i := range list {
			if list[i].phase != phaseWaiting || len(p.busy) >= rollAtOnce {
				continue
			}
			if _, ok := p.busy[list[i].workload]; !ok {
				chosen = append(chosen, list[i])
			}
			p.busy[list[i].workload] = struct{}{}
			list[i].phase = phaseRolling
		}
	}
	return chosen
}

func has(list []candidate, at phase) bool {
	return slices.ContainsFunc(list, func(c candidate) bool { return c.phase == at })
}

// staleness says how far the workloads of each definition are, and how many there
// are.
func (p *plan) staleness(allowed bool, now time.Time) (result map[string]staleness, workloads int) {
	result = map[string]staleness{}
	all := map[workload]struct{}{}
	for owner, list := range p.byOwner {
		for _, c := range list {
			all[c.workload] = struct{}{}
		}
		result[owner] = p.state(owner, list, allowed, now)
	}
	return result, len(all)
}

func (p *plan) state(owner string, list []candidate, allowed bool, now time.Time) staleness {
	first := slices.MinFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.phase, a.phase), cmp.Compare(a.workload.namespace, b.workload.namespace), cmp.Compare(a.workload.String(), b.workload.String()))
	})
	s := staleness{workloads: len(list), example: fmt.Sprintf("%s in namespace %s", first.workload, first.workload.namespace)}
	window := p.spec(owner).RolloutWindow
	switch {
	case p.policy(owner) != v1alpha1.RolloutAuto:
		s.reason, s.detail = v1alpha1.ReasonStaleWorkloads, "rollout: Never leaves it to their owners to restart them"
	case !allowed:
		s.reason, s.detail = v1alpha1.ReasonRolloutDisabled, "this installation does not allow rollout: Auto; their owners restart them"
	case first.phase == phaseFailed:
		s.reason, s.detail = v1alpha1.ReasonRolloutFailed, "it did not come up with the present values, and no other is rolled until it does"
	case has(list, phaseRolling):
		s.reason, s.detail = v1alpha1.ReasonRollingOut, "their pods are being replaced"
	case has(list, phaseWaiting) && !known(window):
		s.reason, s.detail = v1alpha1.ReasonRolloutWaiting, fmt.Sprintf("nobody knows rolloutWindow.timeZone %q, so that it never opens; write one as Europe/Berlin", window.TimeZone)
	case has(list, phaseWaiting) && !open(window, now):
		s.reason, s.detail = v1alpha1.ReasonRolloutWaiting, fmt.Sprintf("their pods are replaced from %s %s on", window.Start, cmp.Or(window.TimeZone, "UTC"))
	case has(list, phaseWaiting):
		s.reason, s.detail = v1alpha1.ReasonRollingOut, "their turn comes"
	default:
		s.reason, s.detail = v1alpha1.ReasonStaleWorkloads, "it is paused, rolls already, or is of a kind that does not replace its pods by itself"
	}
	return s
}
