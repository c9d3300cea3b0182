// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// status returns what a connection's status should be: its present one with
// the verdict on this generation. binding is nil where the definition could
// not be bound; problem is nil where the connection is ready.
func status(present v1alpha1.ConnectionStatus, generation int64, binding *connections.Binding, problem *connections.Problem) v1alpha1.ConnectionStatus {
	result := *present.DeepCopy()
	result.ObservedGeneration = generation
	result.Binding = nil
	if binding != nil && binding.Secret != "" {
		result.Binding = &v1alpha1.Binding{Name: binding.Secret}
	}
	ready := metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             metav1.ConditionTrue,
		Reason:             v1alpha1.ReasonReady,
		Message:            "pods can be given this connection",
		ObservedGeneration: generation,
	}
	if problem != nil {
		ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, problem.Reason, problem.Message
	}
	meta.SetStatusCondition(&result.Conditions, ready)
	return result
}
