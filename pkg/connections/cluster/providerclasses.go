// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	toolscache "k8s.io/client-go/tools/cache"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// driverInterval is how often to look whether the Secrets Store CSI driver has
// been installed.
const driverInterval = 30 * time.Second

var providerClasses = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}

// WatchProviderClasses feeds the index with our SecretProviderClasses in the given
// namespaces, in all if there are none, until ctx ends. Their kind comes with the Secrets Store CSI driver, which may be
// installed later or never; until then nothing is known of them, and what was
// written is known for as long as a Note lasts.
func (i *Index) WatchProviderClasses(ctx context.Context, client metadata.Interface, mapper meta.RESTMapper, namespaces []string) error {
	for !hasProviderClasses(mapper) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(driverInterval):
		}
	}
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	informers := make([]toolscache.SharedIndexInformer, len(namespaces))
	for n, namespace := range namespaces {
		var err error
		if informers[n], err = i.providerClassInformer(client, namespace); err != nil {
			return err
		}
	}
	var running sync.WaitGroup
	for _, informer := range informers {
		running.Go(func() { informer.RunWithContext(ctx) })
	}
	running.Wait()
	return nil
}

func (i *Index) providerClassInformer(client metadata.Interface, namespace string) (toolscache.SharedIndexInformer, error) {
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}).String()
	informer := metadatainformer.NewFilteredMetadataInformer(client, providerClasses, namespace, 0, toolscache.Indexers{},
		func(options *metav1.ListOptions) { options.LabelSelector = ours }).Informer()
	if err := informer.SetTransform(slim); err != nil {
		return nil, err
	}
	_, err := informer.AddEventHandler(i.objectHandler(connections.KindProviderClass))
	return informer, err
}

func hasProviderClasses(mapper meta.RESTMapper) bool {
	_, err := mapper.KindFor(providerClasses)
	return err == nil
}
