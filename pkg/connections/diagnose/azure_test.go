// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// What the status says of Azure is passed on, and nothing where it says nothing.
func TestValidateSaysWhatAzureSays(t *testing.T) {
	condition := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "as it is"}
	}
	for _, c := range []struct {
		conditions []metav1.Condition
		want       []Result
	}{
		{nil, nil},
		{[]metav1.Condition{condition(v1alpha1.ConditionReady, metav1.ConditionFalse, "X")}, nil},
		{[]metav1.Condition{condition(v1alpha1.ConditionImported, metav1.ConditionTrue, v1alpha1.ReasonImported)}, []Result{OK}},
		{[]metav1.Condition{
			condition(v1alpha1.ConditionFederated, metav1.ConditionFalse, v1alpha1.ReasonFederationLimit),
			condition(v1alpha1.ConditionImported, metav1.ConditionUnknown, v1alpha1.ReasonAzureUnreachable),
		}, []Result{Warning, Warning}},
	} {
		l := &located{status: v1alpha1.ConnectionStatus{Conditions: c.conditions}}
		got := l.azure()
		if len(got) != len(c.want) {
			t.Fatalf("%v: %+v", c.conditions, got)
		}
		for i, finding := range got {
			if finding.Result != c.want[i] || !strings.Contains(finding.Detail, "as it is") {
				t.Errorf("%+v, want %v", finding, c.want[i])
			}
		}
	}
}
