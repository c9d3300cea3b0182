// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// located is a connection as a namespace sees it.
type located struct {
	definition connections.Definition
	binding    *connections.Binding
	problem    *connections.Problem
	status     v1alpha1.ConnectionStatus
	generation int64
	deleting   bool
}

// locate finds the connection of that name that serves a namespace: its own,
// else a ClusterConnection that allows it. Where there is none the finding says
// why, and located is nil.
func locate(ctx context.Context, r client.Reader, namespace metav1.Object, name string) (*located, Finding) {
	check := checkOf(name)
	var own v1alpha1.Connection
	err := r.Get(ctx, client.ObjectKey{Namespace: namespace.GetName(), Name: name}, &own)
	if err == nil {
		l := bind(connections.FromConnection(&own), &own, own.Status)
		return l, l.ready(check)
	}
	if !apierrors.IsNotFound(err) {
		return nil, unseen(check, err)
	}
	var shared v1alpha1.ClusterConnection
	err = r.Get(ctx, client.ObjectKey{Name: name}, &shared)
	switch {
	case apierrors.IsNotFound(err):
		return nil, missing(ctx, r, namespace, name)
	case err != nil:
		return nil, unseen(check, err)
	}
	allowed, problem := connections.Audience(shared.Spec.AllowedNamespaces)
	switch {
	case problem != nil:
		return nil, failure(check, "correct ClusterConnection "+name, "%v", problem)
	case !allowed.Matches(labels.Set(namespace.GetLabels())):
		return nil, failure(check, fmt.Sprintf("ask its owner to allow the namespace, or label it: kubectl label namespace %s %s", namespace.GetName(), allowed),
			"ClusterConnection %q exists but does not allow namespace %q; it allows namespaces with %s", name, namespace.GetName(), allowed)
	}
	l := bind(connections.FromClusterConnection(&shared), &shared, shared.Status)
	return l, l.ready(check)
}

func checkOf(name string) string { return "connection " + name }

func bind(d connections.Definition, object client.Object, status v1alpha1.ConnectionStatus) *located {
	l := &located{definition: d, status: status, generation: object.GetGeneration(), deleting: object.GetDeletionTimestamp() != nil}
	binding, err := connections.Bind(d)
	if !errors.As(err, &l.problem) {
		l.binding = binding
	}
	return l
}

// ready says whether pods can be given the connection.
func (l *located) ready(check string) Finding {
	condition := meta.FindStatusCondition(l.status.Conditions, v1alpha1.ConditionReady)
	switch owner := l.definition.Owner(); {
	case l.problem != nil:
		return failure(check, "correct "+owner, "%s is not ready: %s: %s", owner, l.problem.Reason, l.problem.Message)
	case condition == nil:
		return warning(check, "see whether the webhook runs: kubectl connection doctor", "%s has no status yet: the controller has not looked at it", owner)
	case condition.Status == metav1.ConditionFalse && condition.ObservedGeneration == l.generation:
		return failure(check, "correct what the message names", "%s is not ready: %s: %s", owner, condition.Reason, condition.Message)
	case condition.ObservedGeneration != l.generation:
		return warning(check, "see whether the webhook runs: kubectl connection doctor", "the status of %s is older than its definition", owner)
	case l.deleting:
		return warning(check, "", "%s is being deleted", owner)
	default:
		return ok(check, "%s serves this namespace and is ready", owner)
	}
}

// provisioned says whether the namespaces that have the connection are up to date.
func (l *located) provisioned() Finding {
	const check = "provisioned"
	condition := meta.FindStatusCondition(l.status.Conditions, v1alpha1.ConditionProvisioned)
	if condition == nil || condition.Status != metav1.ConditionFalse {
		return ok(check, "every namespace that uses it is up to date")
	}
	return warning(check, "", "%s: %s", condition.Reason, condition.Message)
}

// azure says what the status says of Azure, for a connection that has to do with it.
func (l *located) azure() []Finding {
	var findings []Finding
	for _, c := range []struct{ condition, check string }{
		{v1alpha1.ConditionImported, "import from Azure"}, {v1alpha1.ConditionFederated, "federated credentials"},
	} {
		condition := meta.FindStatusCondition(l.status.Conditions, c.condition)
		switch {
		case condition == nil:
		case condition.Status == metav1.ConditionTrue:
			findings = append(findings, ok(c.check, "%s", condition.Message))
		default:
			findings = append(findings, warning(c.check, "docs/azure.md says what each reason means", "%s: %s", condition.Reason, condition.Message))
		}
	}
	return findings
}

// missing is the finding for a name that nobody defined.
func missing(ctx context.Context, r client.Reader, namespace metav1.Object, name string) Finding {
	denial := connections.Unavailable(name, namespace.GetName(), available(ctx, r, namespace))
	message, _, _ := strings.Cut(denial.Message, " (kubectl")
	return failure(checkOf(name), "kubectl connection list -n "+namespace.GetName(), "%s", message)
}

// Check finds out whether a namespace can use a connection of that name now.
func Check(ctx context.Context, r client.Reader, namespace, name string) (Finding, error) {
	object := partial("v1", "Namespace")
	err := r.Get(ctx, client.ObjectKey{Name: namespace}, object)
	if apierrors.IsNotFound(err) {
		return Finding{}, fmt.Errorf("there is no namespace %q", namespace)
	}
	if err != nil { // without the right to read it, its name is what is known
		object.Name = namespace
	}
	_, finding := locate(ctx, r, object, name)
	return finding, nil
}

// available lists the names that a namespace can use; fewer where one may not
// look.
func available(ctx context.Context, r client.Reader, namespace metav1.Object) []string {
	var names []string
	var own v1alpha1.ConnectionList
	if err := r.List(ctx, &own, client.InNamespace(namespace.GetName())); err == nil {
		for _, c := range own.Items {
			names = append(names, c.Name)
		}
	}
	var shared v1alpha1.ClusterConnectionList
	if err := r.List(ctx, &shared); err == nil {
		for _, c := range shared.Items {
			if allowed, _ := connections.Audience(c.Spec.AllowedNamespaces); allowed.Matches(labels.Set(namespace.GetLabels())) {
				names = append(names, c.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
