// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func TestStatus(t *testing.T) {
	b := &connections.Binding{Secret: "sc-orders-secret"}
	problem := &connections.Problem{Reason: v1alpha1.ReasonCredentialsNotFound, Message: "it is not there"}
	for _, c := range []struct {
		name    string
		finding finding
		// want are the conditions: status and reason of each, "" for none.
		ready, provisioned, rolledOut string
	}{
		{"all is well", finding{binding: b, total: 3, current: 3, looked: true, stale: staleness{reason: v1alpha1.ReasonRolledOut}},
			"True Ready", "True UpToDate", "True RolledOut"},
		{"not used yet", finding{binding: b}, "True Ready", "True UpToDate", ""},
		{"not ready", finding{binding: b, problem: problem, total: 3}, "False CredentialsNotFound", "Unknown NotReady", ""},
		{"not even bound", finding{problem: problem}, "False CredentialsNotFound", "Unknown NotReady", ""},
		{"on its way", finding{binding: b, total: 3, current: 1}, "True Ready", "False Updating", ""},
		{"held up", finding{binding: b, total: 3, current: 1, failing: 2, failure: "quota"}, "True Ready", "False NotUpdated", ""},
		{"stale", finding{binding: b, looked: true, stale: staleness{workloads: 1, reason: v1alpha1.ReasonStaleWorkloads}},
			"True Ready", "True UpToDate", "False StaleWorkloads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := status(v1alpha1.ConnectionStatus{}, 7, c.finding)
			for kind, want := range map[string]string{v1alpha1.ConditionReady: c.ready, v1alpha1.ConditionProvisioned: c.provisioned, v1alpha1.ConditionRolledOut: c.rolledOut} {
				condition, have := meta.FindStatusCondition(got.Conditions, kind), ""
				if condition != nil {
					have = string(condition.Status) + " " + condition.Reason
					if condition.ObservedGeneration != 7 || condition.Message == "" {
						t.Errorf("%s: %+v", kind, condition)
					}
				}
				if have != want {
					t.Errorf("%s is %q, want %q", kind, have, want)
				}
			}
			if got.Namespaces != (v1alpha1.NamespaceCount{Total: count(c.finding.total), Provisioned: count(c.finding.current)}) || got.ObservedGeneration != 7 {
				t.Errorf("%+v", got)
			}
			if (got.Binding != nil) != (c.finding.binding != nil) {
				t.Errorf("binding %v", got.Binding)
			}
		})
	}
	held := status(v1alpha1.ConnectionStatus{}, 1, finding{binding: b, failing: 2, failure: "exceeded quota"})
	if message := meta.FindStatusCondition(held.Conditions, v1alpha1.ConditionProvisioned).Message; !strings.Contains(message, "2 objects") || !strings.Contains(message, "exceeded quota") {
		t.Errorf("the message says %q", message)
	}
	// The next leader does not take it back before it has tried.
	if !failed(held, 1) || failed(held, 2) {
		t.Error("a status that says that objects fail is not recognized by its generation")
	}
	next := status(held, 1, finding{binding: b, unsettled: true})
	if condition := meta.FindStatusCondition(next.Conditions, v1alpha1.ConditionProvisioned); condition.Reason != v1alpha1.ReasonNotUpdated {
		t.Errorf("it says %+v", condition)
	}
}

// What failed for the leader before is settled by what this one sees of it, or when
// it had the time to.
func TestFailuresSettle(t *testing.T) {
	now := time.Unix(1000, 0)
	f := newFailures(func() time.Time { return now })
	object := connections.Object{Kind: connections.KindSecret, Namespace: "shop", Name: "s"}
	if f.known("a") || f.known("b") {
		t.Error("known before anything was tried")
	}
	f.note("a", object, nil)
	if f.known("a") {
		t.Error("one object that is well says nothing of the one that failed")
	}
	f.note("a", object, errors.New("quota"))
	if count, message := f.of("a"); !f.known("a") || count != 1 || message != "quota" {
		t.Errorf("%d objects: %q", count, message)
	}
	f.note("a", object, nil)
	if count, _ := f.of("a"); !f.known("a") || count != 0 {
		t.Errorf("%d objects fail", count)
	}
	if now = now.Add(settling + time.Second); !f.known("b") {
		t.Error("never settled")
	}
}
