// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package status writes single conditions of connections, beside the controller that
// writes the others.
package status

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Set writes one condition of a connection of a kind, if it differs from those that
// it has, by server-side apply as owner, who writes no other condition of it.
func Set(ctx context.Context, writer client.Client, owner, kind string, object client.Object, has []metav1.Condition, condition metav1.Condition) error {
	condition.ObservedGeneration = object.GetGeneration()
	conditions := append([]metav1.Condition(nil), has...)
	if !meta.SetStatusCondition(&conditions, condition) {
		return nil
	}
	condition = *meta.FindStatusCondition(conditions, condition.Type)
	wanted := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": condition.Type, "status": string(condition.Status), "reason": condition.Reason, "message": condition.Message,
		"observedGeneration": condition.ObservedGeneration, "lastTransitionTime": condition.LastTransitionTime.UTC().Format(time.RFC3339),
	}}}}}
	wanted.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	wanted.SetNamespace(object.GetNamespace())
	wanted.SetName(object.GetName())
	err := writer.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner(owner), client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("writing the condition %s of %s %q: %w", condition.Type, kind, object.GetName(), err)
	}
	return nil
}
