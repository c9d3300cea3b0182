// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure/status"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// fieldOwner is who writes the condition Imported.
const fieldOwner = v1alpha1.ManagedBy + "-import"

// leaseName is the object in the product's namespace that events are about which
// concern no Connection.
const leaseName = "service-connector"

// tellImported writes into a Connection's status how its import went.
func (i *Importer) tellImported(ctx context.Context, w wanted, present *v1alpha1.Connection) error {
	condition := metav1.Condition{Type: v1alpha1.ConditionImported, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonImported,
		Message: fmt.Sprintf("its spec is that of linker %q", nameOf(w.Linker))}
	switch {
	case w.doubt != nil:
		condition = doubtful(w.doubt)
	case w.credentials != nil:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, w.credentials.Reason, w.credentials.Message
	}
	return i.setCondition(ctx, present, condition)
}

// doubt tells all that was imported that Azure could not be asked, but what a run had
// looked at before it failed.
func (i *Importer) doubt(ctx context.Context, seen map[types.NamespacedName]wanted, problem *connections.Problem) {
	i.mu.Lock()
	for key, w := range i.wanted {
		if _, ok := seen[key]; !ok {
			w.doubt = problem
			i.wanted[key] = w
		}
	}
	i.mu.Unlock()
	var imported v1alpha1.ConnectionList
	if err := i.client.List(ctx, &imported, client.HasLabels{v1alpha1.LabelImported}); err != nil {
		ctrl.LoggerFrom(ctx).Info("what was imported could not be listed", "reason", err.Error())
		return
	}
	for n := range imported.Items {
		if _, ok := seen[client.ObjectKeyFromObject(&imported.Items[n])]; ok {
			continue
		}
		if err := i.setCondition(ctx, &imported.Items[n], doubtful(problem)); err != nil {
			ctrl.LoggerFrom(ctx).Info("a condition could not be written", "reason", err.Error())
		}
	}
}

func doubtful(problem *connections.Problem) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionImported, Status: metav1.ConditionUnknown, Reason: problem.Reason, Message: problem.Message}
}

func (i *Importer) setCondition(ctx context.Context, c *v1alpha1.Connection, condition metav1.Condition) error {
	return status.Set(ctx, i.client, fieldOwner, "Connection", c, c.Status.Conditions, condition)
}

// report tells of a linker that is no Connection.
func (i *Importer) report(ctx context.Context, linker string, problem *connections.Problem) {
	message := fmt.Sprintf("linker %q is not imported: %s", linker, problem.Message)
	ctrl.LoggerFrom(ctx).Info("not imported", "linker", linker, "reason", problem.Message)
	i.Teller.Tell(ctx, corev1.ObjectReference{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease", Namespace: i.Home, Name: leaseName},
		v1alpha1.EventNotImported, message, true, message)
}

func reference(c *v1alpha1.Connection) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Connection", Namespace: c.Namespace, Name: c.Name, UID: c.UID}
}
