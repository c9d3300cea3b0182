// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure/status"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// count is how far the service accounts of one definition are.
type count struct {
	client         string
	total, trusted int
}

// report writes the condition Federated of every definition that has, or had, service
// accounts in use.
func (f *federation) report(ctx context.Context, wanted map[string][]account) error {
	counts := map[string]count{}
	for _, bindings := range f.federating() {
		for _, b := range bindings {
			counts[b.Definition.Owner()] = count{client: strings.ToLower(string(b.Identity.ClientID))}
		}
	}
	for id, accounts := range wanted {
		for _, a := range accounts {
			for _, owner := range a.owners {
				c := counts[owner]
				c.client = id
				c.total++
				if a.marked {
					c.trusted++
				}
				counts[owner] = c
			}
		}
	}
	var failed []error
	for _, owner := range slices.Sorted(maps.Keys(counts)) {
		failed = append(failed, f.reportOne(ctx, owner, counts[owner]))
	}
	return errors.Join(failed...)
}

func (f *federation) reportOne(ctx context.Context, owner string, c count) error {
	condition := metav1.Condition{Type: v1alpha1.ConditionFederated, Status: metav1.ConditionFalse}
	switch problem := f.problem(c.client); {
	case problem != nil && c.trusted < c.total:
		condition.Reason = problem.Reason
		condition.Message = fmt.Sprintf("Azure trusts %d of %d service accounts; %s", c.trusted, c.total, problem.Message)
	case c.trusted < c.total:
		condition.Reason = v1alpha1.ReasonFederating
		condition.Message = fmt.Sprintf("Azure trusts %d of %d service accounts", c.trusted, c.total)
	default:
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonFederated
		condition.Message = "Azure trusts every service account in use"
	}
	namespace, name := connections.ParseOwner(owner)
	if namespace == "" {
		object := &v1alpha1.ClusterConnection{}
		if err := f.client.Get(ctx, client.ObjectKey{Name: name}, object); err != nil {
			return client.IgnoreNotFound(err)
		}
		return f.write(ctx, "ClusterConnection", object, object.Status.Conditions, condition, c)
	}
	object := &v1alpha1.Connection{}
	if err := f.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		return client.IgnoreNotFound(err)
	}
	return f.write(ctx, "Connection", object, object.Status.Conditions, condition, c)
}

func (f *federation) write(ctx context.Context, kind string, object client.Object, has []metav1.Condition, condition metav1.Condition, c count) error {
	if c.total == 0 && meta.FindStatusCondition(has, condition.Type) == nil {
		return nil // nobody has used it yet
	}
	return status.Set(ctx, f.client, fieldOwner, kind, object, has, condition)
}

func (f *federation) problem(id string) *connections.Problem {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problems[id]
}

func (f *federation) setProblem(id string, problem *connections.Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if problem == nil {
		delete(f.problems, id)
		return
	}
	f.problems[strings.ToLower(id)] = problem
}
