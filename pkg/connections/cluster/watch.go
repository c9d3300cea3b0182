// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// CacheOptions returns the options of the cache that Watch reads: nothing but
// connections, in the given namespaces alone; none means all.
func CacheOptions(namespaces []string) cache.Options {
	var served map[string]cache.Config
	for _, namespace := range namespaces {
		if served == nil {
			served = map[string]cache.Config{}
		}
		served[namespace] = cache.Config{}
	}
	return cache.Options{
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.Connection{}: {Namespaces: served},
		},
	}
}

// Watch feeds the index from a cache's informers and returns a function that
// reports whether all that existed at the start has arrived.
func (i *Index) Watch(ctx context.Context, informers cache.Informers) (synced func() bool, err error) {
	var registrations []toolscache.ResourceEventHandlerRegistration
	for _, source := range []struct {
		object  client.Object
		handler toolscache.ResourceEventHandler
	}{
		{&v1alpha1.Connection{}, handler(i.setConnection, i.deleteConnection)},
		{&v1alpha1.ClusterConnection{}, handler(i.setClusterConnection, i.deleteClusterConnection)},
	} {
		informer, err := informers.GetInformer(ctx, source.object)
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", source.object, err)
		}
		registration, err := informer.AddEventHandler(source.handler)
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", source.object, err)
		}
		registrations = append(registrations, registration)
	}
	return func() bool {
		for _, r := range registrations {
			if !r.HasSynced() {
				return false
			}
		}
		return true
	}, nil
}

func (i *Index) setConnection(c *v1alpha1.Connection) {
	key := types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
	e := connectionEntry(c)
	i.mu.Lock()
	before, known := i.own[key]
	i.own[key] = e
	i.mu.Unlock()
	i.definitionSet(connections.FromConnection(c).Owner(), known && before.generation == e.generation)
}

func (i *Index) deleteConnection(c *v1alpha1.Connection) {
	i.mu.Lock()
	delete(i.own, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
	i.mu.Unlock()
	i.definitionSet(connections.FromConnection(c).Owner(), false)
}

func (i *Index) setClusterConnection(c *v1alpha1.ClusterConnection) {
	e := clusterConnectionEntry(c)
	i.mu.Lock()
	before, known := i.shared[c.Name]
	i.shared[c.Name] = e
	i.mu.Unlock()
	i.definitionSet(connections.FromClusterConnection(c).Owner(), known && before.generation == e.generation)
}

func (i *Index) deleteClusterConnection(c *v1alpha1.ClusterConnection) {
	i.mu.Lock()
	delete(i.shared, c.Name)
	i.mu.Unlock()
	i.definitionSet(connections.FromClusterConnection(c).Owner(), false)
}

// definitionSet tells of the objects of a definition, unless it is the same as
// before but for its status.
func (i *Index) definitionSet(owner string, same bool) {
	if same {
		return
	}
	objects := i.Owned(owner)
	changes := make([]Change, len(objects))
	for n, object := range objects {
		changes[n] = Change{Object: object, Owner: owner, Cause: CauseOwner}
	}
	i.tell(changes...)
}

// handler makes an informer's handler from two functions: one for an object as
// it is now, one for an object that went.
func handler[T client.Object](set, forget func(T)) toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if o, ok := object.(T); ok {
				set(o)
			}
		},
		UpdateFunc: func(_, object any) {
			if o, ok := object.(T); ok {
				set(o)
			}
		},
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if o, ok := object.(T); ok {
				forget(o)
			}
		},
	}
}
