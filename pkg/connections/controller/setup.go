// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Renderer says what a binding's Secret should hold; its error is a
// *connections.Problem where that cannot be known.
type Renderer interface {
	Render(ctx context.Context, b *connections.Binding) (*provision.Rendering, error)
}

// Keeper writes objects.
type Keeper interface {
	Keep(ctx context.Context, object connections.Object, b *connections.Binding, r *provision.Rendering) (provision.Kept, error)
	Release(ctx context.Context, object connections.Object, owner string) error
	Remove(ctx context.Context, object connections.Object, resourceVersion string) error
}

// Meter is told what is done and found.
type Meter interface {
	// Repaired counts an object that was put back; cause is deleted or edited,
	// result made or failed.
	Repaired(kind connections.Kind, cause, result string)
	// Census tells how many connections are ready and not, and how many objects
	// are as their definition says and not.
	Census(ready, notReady, current, outdated int)
	// HalfConnected and StaleWorkloads tell how many pods lack connections that they
	// ask for, and how many workloads run with earlier values.
	HalfConnected(pods int)
	StaleWorkloads(workloads int)
	// RolledOut counts a roll-out; result is done, failed or refused.
	RolledOut(result string)
	// Evicted counts an eviction; result is evicted or refused.
	Evicted(result string)
}

// Options are what the controllers work with.
type Options struct {
	Index    *cluster.Index
	Renderer Renderer
	Keeper   Keeper
	Meter    Meter
	// Now is the clock.
	Now func() time.Time
	// Pace is how many objects are looked at or brought up to date in a second.
	Pace int
	// Namespaces are those whose pods are looked at; one "" for all.
	Namespaces []string
	// ScanInterval is how often they are looked at while all is well.
	ScanInterval time.Duration
	// Evict and Roll allow to evict pods that lack their connections, and to roll
	// workloads whose connections ask for that.
	Evict, Roll bool
	// Configuration is the name of the MutatingWebhookConfiguration.
	Configuration string
}

// Setup adds the controllers to a manager. Its cache must have arrived by the time
// that the manager starts them.
func Setup(mgr ctrl.Manager, o Options) error {
	seen := newRenderings(o.Renderer, o.Now)
	told := newEvents(mgr.GetClient(), o.Now)
	failing := newFailures(o.Now)
	behind := &stale{}
	if err := setupStatus(mgr, o.Index, seen, failing, behind); err != nil {
		return err
	}
	kept := newObjects(mgr.GetAPIReader(), seen, told, failing, o)
	if err := kept.setup(mgr); err != nil {
		return err
	}
	watch := newScanner(mgr, told, kept, behind, o)
	kept.changed = watch.changed
	for _, runnable := range []manager.Runnable{watch, &census{index: o.Index, renderings: seen, meter: o.Meter}} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("adding what runs by the clock: %w", err)
		}
	}
	return nil
}

// setupStatus adds the controllers that keep the status of both kinds.
func setupStatus(mgr ctrl.Manager, index *cluster.Index, seen *renderings, failing *failures, behind *stale) error {
	own := &reconciler[*v1alpha1.Connection]{
		client: mgr.GetClient(), renderings: seen, index: index, failures: failing, stale: behind,
		empty: func() *v1alpha1.Connection { return &v1alpha1.Connection{} },
		parts: func(c *v1alpha1.Connection) (connections.Definition, *v1alpha1.ConnectionStatus) {
			return connections.FromConnection(c), &c.Status
		},
		audience: func(*v1alpha1.Connection) *connections.Problem { return nil },
	}
	shared := &reconciler[*v1alpha1.ClusterConnection]{
		client: mgr.GetClient(), renderings: seen, index: index, failures: failing, stale: behind,
		empty: func() *v1alpha1.ClusterConnection { return &v1alpha1.ClusterConnection{} },
		parts: func(c *v1alpha1.ClusterConnection) (connections.Definition, *v1alpha1.ConnectionStatus) {
			return connections.FromClusterConnection(c), &c.Status
		},
		audience: func(c *v1alpha1.ClusterConnection) *connections.Problem {
			_, problem := connections.Audience(c.Spec.AllowedNamespaces)
			return problem
		},
	}
	return errors.Join(own.setup(mgr, "connection"), shared.setup(mgr, "clusterconnection"))
}

// exists reports whether an object is there, as the API server says now.
func exists(ctx context.Context, live client.Reader, key client.ObjectKey, object client.Object) (bool, error) {
	err := live.Get(ctx, key, object)
	return err == nil, client.IgnoreNotFound(err)
}
