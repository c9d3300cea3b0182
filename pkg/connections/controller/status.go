// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// finding is what was found out about a connection.
type finding struct {
	// binding is nil where the definition could not be bound.
	binding *connections.Binding
	// problem is nil where the connection is ready.
	problem *connections.Problem
	// total and current count the namespaces that have it, and those that have it
	// as it is now.
	total, current int
	// failing counts objects that could not be brought up to date; failure says
	// why for one of them.
	failing int
	failure string
	// unsettled says that objects failed for the leader before, and that it is not
	// known yet whether they still do.
	unsettled bool
	// stale is how far its workloads are; looked says whether that is known.
	stale  staleness
	looked bool
}

// status returns what a connection's status should be: its present one with
// what was found of this generation.
func status(present v1alpha1.ConnectionStatus, generation int64, f finding) v1alpha1.ConnectionStatus {
	result := *present.DeepCopy()
	result.ObservedGeneration = generation
	result.Binding = nil
	if f.binding != nil && f.binding.Secret != "" {
		result.Binding = &v1alpha1.Binding{Name: f.binding.Secret}
	}
	result.Namespaces = v1alpha1.NamespaceCount{Total: count(f.total), Provisioned: count(f.current)}
	conditions := []metav1.Condition{ready(f)}
	if !f.unsettled {
		conditions = append(conditions, provisioned(f))
	}
	if f.looked {
		conditions = append(conditions, rolledOut(f))
	}
	for _, condition := range conditions {
		condition.ObservedGeneration = generation
		meta.SetStatusCondition(&result.Conditions, condition)
	}
	return result
}

// failed reports whether a status says of a generation that objects fail.
func failed(present v1alpha1.ConnectionStatus, generation int64) bool {
	condition := meta.FindStatusCondition(present.Conditions, v1alpha1.ConditionProvisioned)
	return condition != nil && condition.Reason == v1alpha1.ReasonNotUpdated && condition.ObservedGeneration == generation
}

func ready(f finding) metav1.Condition {
	if f.problem != nil {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: f.problem.Reason, Message: f.problem.Message}
	}
	return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, Message: "pods can be given this connection"}
}

func provisioned(f finding) metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionProvisioned, Status: metav1.ConditionFalse}
	switch {
	case f.problem != nil:
		condition.Status, condition.Reason = metav1.ConditionUnknown, v1alpha1.ReasonNotReady
		condition.Message = "what namespaces have stays as it is until the connection is ready"
	case f.failing > 0:
		condition.Reason = v1alpha1.ReasonNotUpdated
		condition.Message = fmt.Sprintf("%d objects could not be brought up to date and are tried again; the first: %s", f.failing, f.failure)
	case f.current < f.total:
		condition.Reason = v1alpha1.ReasonUpdating
		condition.Message = fmt.Sprintf("%d of %d namespaces have the present settings", f.current, f.total)
	default:
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonUpToDate
		condition.Message = "every namespace that uses it has the present settings"
	}
	return condition
}

func rolledOut(f finding) metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionRolledOut, Status: metav1.ConditionTrue, Reason: f.stale.reason, Message: f.stale.message()}
	if f.stale.workloads > 0 {
		condition.Status = metav1.ConditionFalse
	}
	return condition
}

// count converts a number of namespaces, of which there are never that many.
func count(n int) int32 { return int32(min(n, math.MaxInt32)) }
