// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	toolscache "k8s.io/client-go/tools/cache"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// driverInterval is how often to look whether the Secrets Store CSI driver has
// been installed.
const driverInterval = 30 * time.Second

// arrivalInterval is how often to look whether all there is of a kind has arrived.
const arrivalInterval = 10 * time.Millisecond

var (
	namespaces      = corev1.SchemeGroupVersion.WithResource("namespaces")
	secrets         = corev1.SchemeGroupVersion.WithResource("secrets")
	serviceAccounts = corev1.SchemeGroupVersion.WithResource("serviceaccounts")
	providerClasses = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}
)

// Feed keeps the index up to date with metadata: of namespaces, and of what was
// made for connections. It keeps no object itself, as an informer would: of each
// there is what the index has, once.
type Feed struct {
	index      *Index
	client     metadata.Interface
	mapper     meta.RESTMapper
	namespaces []string

	feeds []*feed
}

// NewFeed returns a Feed of what is in the given namespaces, in all if there are
// none.
func NewFeed(index *Index, client metadata.Interface, mapper meta.RESTMapper, served []string) *Feed {
	if len(served) == 0 {
		served = []string{metav1.NamespaceAll}
	}
	f := &Feed{index: index, client: client, mapper: mapper, namespaces: served}
	all := &store[*namespaceState]{of: namespaceOf, set: index.setNamespace, forget: index.forgetNamespace, replace: index.replaceNamespaces}
	f.feeds = append(f.feeds, &feed{resource: namespaces, store: all})
	for _, namespace := range served {
		f.feeds = append(f.feeds,
			f.ours(secrets, connections.KindSecret, namespace),
			f.ours(serviceAccounts, connections.KindServiceAccount, namespace))
	}
	return f
}

// Run feeds the index until ctx ends. The kind SecretProviderClass comes with the
// Secrets Store CSI driver, which may be installed later or never; until then
// nothing is known of them, and what was written is known for as long as a Note
// lasts.
func (f *Feed) Run(ctx context.Context) error {
	var running sync.WaitGroup
	// One after the other: while all there is of a kind arrives, it takes twice its
	// memory.
	for _, feed := range f.feeds {
		running.Go(func() { feed.run(ctx, f.client) })
		for !feed.store.synced() && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(arrivalInterval):
			}
		}
	}
	running.Go(func() {
		for !f.hasDriver() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(driverInterval):
			}
		}
		for _, namespace := range f.namespaces {
			running.Go(func() { f.ours(providerClasses, connections.KindProviderClass, namespace).run(ctx, f.client) })
		}
	})
	running.Wait()
	return nil
}

// Synced reports whether all that existed at the start has arrived.
func (f *Feed) Synced() bool {
	for _, feed := range f.feeds {
		if !feed.store.synced() {
			return false
		}
	}
	return true
}

func (f *Feed) hasDriver() bool {
	_, err := f.mapper.KindFor(providerClasses)
	return err == nil
}

// ours feeds the index with our objects of a kind.
func (f *Feed) ours(resource schema.GroupVersionResource, kind connections.Kind, namespace string) *feed {
	all := &store[*record]{
		of:      func(object *metav1.PartialObjectMetadata) *record { return recordOf(kind, object) },
		set:     f.index.set,
		forget:  func(r *record) { f.index.forget(r.key) },
		replace: func(all []*record) { f.index.replace(kind, namespace, all) },
	}
	return &feed{
		resource: resource, namespace: namespace, store: all,
		selector: labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}).String(),
	}
}

// feed is the watch of one resource in one namespace, or in all.
type feed struct {
	resource            schema.GroupVersionResource
	namespace, selector string
	store               syncing
}

// syncing is where a reflector puts what it sees.
type syncing interface {
	toolscache.TransformingStore
	synced() bool
}

func (f *feed) run(ctx context.Context, client metadata.Interface) {
	resource := client.Resource(f.resource).Namespace(f.namespace)
	source := toolscache.ToListWatcherWithWatchListSemantics(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = f.selector
			return resource.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = f.selector
			return resource.Watch(ctx, options)
		},
	}, client)
	toolscache.NewReflectorWithOptions(source, &metav1.PartialObjectMetadata{}, f.store,
		toolscache.ReflectorOptions{Name: "index", TypeDescription: f.resource.String()}).RunWithContext(ctx)
}

// store passes on what a reflector sees, as T, and keeps nothing of it.
type store[T any] struct {
	of          func(*metav1.PartialObjectMetadata) T
	set, forget func(T)
	replace     func([]T)

	replaced atomic.Bool
}

// Transformer has a reflector keep no more than T while it collects what there is.
func (s *store[T]) Transformer() toolscache.TransformFunc {
	return func(object any) (any, error) {
		if full, ok := object.(*metav1.PartialObjectMetadata); ok {
			return s.of(full), nil
		}
		return object, nil
	}
}

// Add passes an object on.
func (s *store[T]) Add(object any) error { return s.pass(s.set, object) }

// Update passes an object on.
func (s *store[T]) Update(object any) error { return s.pass(s.set, object) }

// Delete passes on that an object is gone.
func (s *store[T]) Delete(object any) error { return s.pass(s.forget, object) }

// Replace passes on all that there is.
func (s *store[T]) Replace(objects []any, _ string) error {
	all := make([]T, 0, len(objects))
	for _, object := range objects {
		if err := s.pass(func(one T) { all = append(all, one) }, object); err != nil {
			return err
		}
	}
	s.replace(all)
	s.replaced.Store(true)
	return nil
}

// Resync does nothing.
func (s *store[T]) Resync() error { return nil }

func (s *store[T]) synced() bool { return s.replaced.Load() }

func (s *store[T]) pass(to func(T), object any) error {
	if full, ok := object.(*metav1.PartialObjectMetadata); ok {
		object = s.of(full)
	}
	one, ok := object.(T)
	if !ok {
		return fmt.Errorf("the API server answered with %T instead of metadata", object)
	}
	to(one)
	return nil
}
