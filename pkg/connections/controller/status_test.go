// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

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
}
