// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// CacheOptions returns the options of the cache that Watch reads: nothing but
// connections, namespaces' metadata and the metadata of what we made. What is in
// a namespace is watched in the given ones alone; none means all.
func CacheOptions(namespaces []string) cache.Options {
	var served map[string]cache.Config
	for _, namespace := range namespaces {
		if served == nil {
			served = map[string]cache.Config{}
		}
		served[namespace] = cache.Config{}
	}
	ours := cache.ByObject{
		Label:      labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}),
		Transform:  slim,
		Namespaces: served,
	}
	return cache.Options{
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.Connection{}:       {Namespaces: served},
			metadataOf("Secret"):         ours,
			metadataOf("ServiceAccount"): ours,
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
		{metadataOf("Namespace"), handler(i.setNamespace, i.deleteNamespace)},
		{metadataOf("Secret"), i.objectHandler(connections.KindSecret)},
		{metadataOf("ServiceAccount"), i.objectHandler(connections.KindServiceAccount)},
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

func metadataOf(kind string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return object
}

// slim drops what the index does not read of our objects' metadata.
func slim(object any) (any, error) {
	full, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta: full.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       full.Namespace,
			Name:            full.Name,
			UID:             full.UID,
			ResourceVersion: full.ResourceVersion,
			Annotations:     keep(full.Annotations, marks...),
		},
	}, nil
}

// marks are the annotations that the index reads.
var marks = []string{
	v1alpha1.AnnotationOwner, v1alpha1.AnnotationRevision, v1alpha1.AnnotationCredentials, v1alpha1.AnnotationChanged,
	v1alpha1.AnnotationDeletionPolicy, v1alpha1.AnnotationClientID, v1alpha1.AnnotationTenantID,
}

func keep(annotations map[string]string, keys ...string) map[string]string {
	kept := map[string]string{}
	for _, key := range keys {
		if value, ok := annotations[key]; ok {
			kept[key] = value
		}
	}
	return kept
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

func (i *Index) setNamespace(n *metav1.PartialObjectMetadata) {
	i.mu.Lock()
	before := i.namespaces[n.Name]
	now := namespaceState{labels: namespaceLabels(n), terminating: n.DeletionTimestamp != nil}
	i.namespaces[n.Name] = now
	var changes []Change
	if before.terminating != now.terminating || !maps.Equal(before.labels, now.labels) {
		changes = i.changes(CauseNamespace, func(object connections.Object) bool { return object.Namespace == n.Name })
	}
	i.mu.Unlock()
	i.tell(changes...)
}

func (i *Index) deleteNamespace(n *metav1.PartialObjectMetadata) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.namespaces, n.Name)
}

// namespaceLabels never returns nil, which stands for a namespace not known.
func namespaceLabels(n *metav1.PartialObjectMetadata) labels.Set {
	if n.Labels == nil {
		return labels.Set{}
	}
	return n.Labels
}

func (i *Index) objectHandler(kind connections.Kind) toolscache.ResourceEventHandler {
	object := func(o *metav1.PartialObjectMetadata) connections.Object {
		return connections.Object{Kind: kind, Namespace: o.Namespace, Name: o.Name}
	}
	return handler(
		func(o *metav1.PartialObjectMetadata) { i.set(object(o), marksOf(kind, o)) },
		func(o *metav1.PartialObjectMetadata) { i.forget(object(o)) },
	)
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
