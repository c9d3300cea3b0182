// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// recheckProblem is when credentials that were not usable are read again.
	// They are not watched: the product keeps no watch on Secrets of others.
	recheckProblem = 10 * time.Second
	// recheckReady is when usable credentials are read again.
	recheckReady = 5 * time.Minute
)

// Checker finds out whether a binding's credentials are usable; if not, its
// error is a *connections.Problem.
type Checker interface {
	Check(ctx context.Context, b *connections.Binding) error
}

// Setup adds the controllers of Connections and ClusterConnections to a
// manager.
func Setup(mgr ctrl.Manager, checker Checker) error {
	own := &reconciler[*v1alpha1.Connection]{
		client: mgr.GetClient(), checker: checker,
		empty: func() *v1alpha1.Connection { return &v1alpha1.Connection{} },
		parts: func(c *v1alpha1.Connection) (connections.Definition, *v1alpha1.ConnectionStatus) {
			return connections.FromConnection(c), &c.Status
		},
		audience: func(*v1alpha1.Connection) *connections.Problem { return nil },
	}
	shared := &reconciler[*v1alpha1.ClusterConnection]{
		client: mgr.GetClient(), checker: checker,
		empty: func() *v1alpha1.ClusterConnection { return &v1alpha1.ClusterConnection{} },
		parts: func(c *v1alpha1.ClusterConnection) (connections.Definition, *v1alpha1.ConnectionStatus) {
			return connections.FromClusterConnection(c), &c.Status
		},
		audience: func(c *v1alpha1.ClusterConnection) *connections.Problem {
			_, problem := connections.Audience(c.Spec.AllowedNamespaces)
			return problem
		},
	}
	if err := own.setup(mgr, "connection"); err != nil {
		return err
	}
	return shared.setup(mgr, "clusterconnection")
}

// reconciler keeps the status of one kind of connection.
type reconciler[T client.Object] struct {
	client  client.Client
	checker Checker
	empty   func() T
	parts   func(T) (connections.Definition, *v1alpha1.ConnectionStatus)
	// audience finds what is wrong with whom the connection serves.
	audience func(T) *connections.Problem
}

func (r *reconciler[T]) setup(mgr ctrl.Manager, name string) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.empty(), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the controller %s: %w", name, err)
	}
	return nil
}

// Reconcile computes a connection's status and writes it if it changed.
func (r *reconciler[T]) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	object := r.empty()
	if err := r.client.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before, ok := object.DeepCopyObject().(T)
	if !ok {
		return ctrl.Result{}, errors.New("a copy has another type than its original")
	}
	definition, current := r.parts(object)
	binding, problem, err := r.examine(ctx, definition)
	if err != nil {
		return ctrl.Result{}, err
	}
	if found := r.audience(object); problem == nil && found != nil {
		problem = found
	}
	wanted := status(*current, object.GetGeneration(), binding, problem)
	if !equality.Semantic.DeepEqual(*current, wanted) {
		*current = wanted
		if err := r.client.Status().Patch(ctx, object, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		ctrl.LoggerFrom(ctx).Info("status changed", "owner", definition.Owner(), "ready", problem == nil)
	}
	return ctrl.Result{RequeueAfter: recheck(binding, problem)}, nil
}

// examine binds a definition and checks its credentials.
func (r *reconciler[T]) examine(ctx context.Context, definition connections.Definition) (*connections.Binding, *connections.Problem, error) {
	var problem *connections.Problem
	binding, err := connections.Bind(definition)
	if errors.As(err, &problem) {
		return nil, problem, nil
	}
	if err := r.checker.Check(ctx, binding); !errors.As(err, &problem) {
		return binding, nil, err
	}
	return binding, problem, nil
}

// recheck says when to look again. A definition that has a problem by itself,
// or that refers to no Secret, changes only when it is edited.
func recheck(binding *connections.Binding, problem *connections.Problem) time.Duration {
	switch {
	case binding == nil || !binding.Refers():
		return 0
	case problem != nil:
		return recheckProblem
	}
	return recheckReady
}
