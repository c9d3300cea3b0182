// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// recheckProblem is when credentials that were not usable are read again.
	// They are not watched: the product keeps no watch on Secrets of others.
	recheckProblem = 10 * time.Second
	// recheckReady is when usable credentials are read again, and so how long a
	// change of them may go unnoticed.
	recheckReady = 30 * time.Second
	// progressEvery is how often the counts in a status follow what happens.
	progressEvery = time.Second
)

// reconciler keeps the status of one kind of connection.
type reconciler[T client.Object] struct {
	client     client.Client
	renderings *renderings
	index      *cluster.Index
	failures   *failures
	stale      *stale
	empty      func() T
	parts      func(T) (connections.Definition, *v1alpha1.ConnectionStatus)
	// audience finds what is wrong with whom the connection serves.
	audience func(T) *connections.Problem
}

func (r *reconciler[T]) setup(mgr ctrl.Manager, name string) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.empty(), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(r.progress()).
		WithOptions(controller.Options{RateLimiter: retries[ctrl.Request]()}).
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
		r.renderings.forget(ownerOf(request.NamespacedName))
		r.failures.forget(ownerOf(request.NamespacedName))
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before, ok := object.DeepCopyObject().(T)
	if !ok {
		return ctrl.Result{}, errors.New("a copy has another type than its original")
	}
	definition, current := r.parts(object)
	finding, err := r.examine(ctx, definition)
	if err != nil {
		return ctrl.Result{}, err
	}
	if problem := r.audience(object); finding.problem == nil {
		finding.problem = problem
	}
	settled := finding.looked && r.failures.known(definition.Owner())
	finding.unsettled = finding.problem == nil && !settled && failed(*current, object.GetGeneration())
	wanted := status(*current, object.GetGeneration(), finding)
	if !equality.Semantic.DeepEqual(*current, wanted) {
		*current = wanted
		if err := r.client.Status().Patch(ctx, object, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		ctrl.LoggerFrom(ctx).Info("status changed", "owner", definition.Owner(), "ready", finding.problem == nil,
			"provisioned", wanted.Namespaces.Provisioned, "total", wanted.Namespaces.Total)
	}
	return ctrl.Result{RequeueAfter: recheck(finding)}, nil
}

// examine binds a definition, checks its credentials, and counts where they are.
func (r *reconciler[T]) examine(ctx context.Context, definition connections.Definition) (finding, error) {
	binding, err := connections.Bind(definition)
	var f finding
	if errors.As(err, &f.problem) {
		return f, nil
	}
	f.binding = binding
	rendering, err := r.renderings.settings(ctx, binding)
	if err != nil && !errors.As(err, &f.problem) {
		return f, err
	}
	f.total, f.current = r.index.Count(binding, credentialsOf(rendering))
	f.failing, f.failure = r.failures.of(definition.Owner())
	f.stale, f.looked = r.stale.of(definition.Owner())
	return f, nil
}

// progress has a connection looked at again, a little later, when an object that
// was made for it changes, or what is known of its workloads.
func (r *reconciler[T]) progress() source.Source {
	_, namespaced := any(r.empty()).(*v1alpha1.Connection)
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		again := func(owner string) {
			if namespace, name := connections.ParseOwner(owner); name != "" && (namespace != "") == namespaced {
				queue.AddAfter(ctrl.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}, progressEvery)
			}
		}
		r.stale.follow(again)
		stop := r.index.Follow(func(change cluster.Change) { again(change.Owner) })
		context.AfterFunc(ctx, stop)
		return nil
	})
}

func ownerOf(key types.NamespacedName) string {
	return connections.Definition{Namespace: key.Namespace, Name: key.Name}.Owner()
}

// recheck says when to look again. A definition that has a problem by itself,
// or that refers to no Secret, changes only when it is edited.
func recheck(f finding) time.Duration {
	switch {
	case f.unsettled:
		return recheckProblem
	case f.binding == nil || !f.binding.Refers():
		return 0
	case f.problem != nil:
		return recheckProblem
	}
	return recheckReady
}
