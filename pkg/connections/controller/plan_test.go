// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

const orders = "ClusterConnection/orders"

// specs are definitions by owner.
type specs map[string]v1alpha1.ConnectionSpec

func (s specs) Definition(owner string) (connections.Offer, bool) {
	spec, ok := s[owner]
	return connections.Offer{Binding: &connections.Binding{Definition: connections.Definition{Spec: spec}}}, ok
}

func auto(window *v1alpha1.RolloutWindow) specs {
	return specs{orders: {Rollout: v1alpha1.RolloutAuto, RolloutWindow: window}}
}

// planned makes a plan with workloads in these phases, named w0, w1 and so on.
func planned(known specs, phases ...phase) *plan {
	p := newPlan(known)
	for i, at := range phases {
		p.add(orders, candidate{workload: workload{apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: fmt.Sprint("w", i)}, phase: at})
	}
	return p
}

func TestPlanChooses(t *testing.T) {
	closed := &v1alpha1.RolloutWindow{Start: "22:00", End: "04:00"}
	for _, c := range []struct {
		name   string
		plan   *plan
		chosen string
		reason string
	}{
		{"a few at a time", planned(auto(nil), phaseWaiting, phaseWaiting, phaseWaiting, phaseWaiting), "w0 w1 w2", v1alpha1.ReasonRollingOut},
		{"those that roll count", planned(auto(nil), phaseRolling, phaseWaiting, phaseRolling, phaseWaiting), "w1", v1alpha1.ReasonRollingOut},
		{"none after a failure", planned(auto(nil), phaseWaiting, phaseFailed), "", v1alpha1.ReasonRolloutFailed},
		{"none outside the window", planned(auto(closed), phaseWaiting), "", v1alpha1.ReasonRolloutWaiting},
		{"those that cannot be rolled are left", planned(auto(nil), phaseLeft), "", v1alpha1.ReasonStaleWorkloads},
		{"rollout: Never leaves all", planned(specs{orders: {}}, phaseLeft), "", v1alpha1.ReasonStaleWorkloads},
	} {
		t.Run(c.name, func(t *testing.T) {
			var chosen []string
			for _, one := range c.plan.choose(noon) {
				chosen = append(chosen, one.workload.name)
			}
			if got := strings.Join(chosen, " "); got != c.chosen {
				t.Errorf("chosen %q, want %q", got, c.chosen)
			}
			result, workloads := c.plan.staleness(true, noon)
			if got := result[orders]; got.reason != c.reason || got.workloads != len(c.plan.byOwner[orders]) || workloads != got.workloads {
				t.Errorf("staleness %+v of %d, want reason %s", got, workloads, c.reason)
			}
			if again := c.plan.choose(noon); len(again) > 0 {
				t.Errorf("chosen a second time: %v", again)
			}
		})
	}
}

func TestPlanOfAnInstallationThatDoesNotRoll(t *testing.T) {
	result, _ := planned(auto(nil), phaseLeft).staleness(false, noon)
	if got := result[orders]; got.reason != v1alpha1.ReasonRolloutDisabled || !strings.Contains(got.message(), "deployment/w0 in namespace shop") {
		t.Errorf("staleness %+v: %s", got, got.message())
	}
}

func TestPlanTellsOfAnUnknownTimeZone(t *testing.T) {
	p := planned(auto(&v1alpha1.RolloutWindow{Start: "22:00", End: "04:00", TimeZone: "Mars/Base"}), phaseWaiting)
	if chosen := p.choose(noon); len(chosen) > 0 {
		t.Errorf("chosen %v", chosen)
	}
	result, _ := p.staleness(true, noon)
	if got := result[orders]; got.reason != v1alpha1.ReasonRolloutWaiting || !strings.Contains(got.message(), `"Mars/Base"`) {
		t.Errorf("%+v", got)
	}
}

// A workload that two definitions changed rolls once.
func TestPlanRollsAWorkloadOnce(t *testing.T) {
	const receipts = "ClusterConnection/receipts"
	known := auto(nil)
	known[receipts] = known[orders]
	p := planned(known, phaseWaiting)
	p.add(receipts, p.byOwner[orders][0])
	if chosen := p.choose(noon); len(chosen) != 1 {
		t.Errorf("chosen %d times, want once", len(chosen))
	}
}
