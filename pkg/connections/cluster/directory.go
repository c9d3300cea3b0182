// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Directory looks connections up by name.
type Directory struct {
	// Index answers without an API call.
	Index *Index
	// Live reads what the index lacks. It must not be a cache.
	Live client.Reader
}

// Offers returns the offers of these names to a namespace, in their order. Its
// error is a *mutate.Denial where a connection does not exist or does not
// serve the namespace, which read the same.
func (d *Directory) Offers(ctx context.Context, namespace string, names []string) ([]connections.Offer, error) {
	offers := make([]connections.Offer, 0, len(names))
	for _, name := range names {
		offer, ok := d.Index.Lookup(namespace, name)
		if !ok {
			var err error
			if offer, ok, err = d.live(ctx, namespace, name); err != nil {
				return nil, fmt.Errorf("looking connection %q up: %w", name, err)
			}
		}
		if !ok {
			return nil, connections.Unavailable(name, namespace, d.Index.Available(namespace))
		}
		offers = append(offers, offer)
	}
	return offers, nil
}

// live asks the API server. What it learns is not put into the index, where it
// could outlive a deletion.
func (d *Directory) live(ctx context.Context, namespace, name string) (connections.Offer, bool, error) {
	var own v1alpha1.Connection
	found, err := d.read(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &own)
	if err != nil || found {
		return connectionEntry(&own).offer, found, err
	}
	var shared v1alpha1.ClusterConnection
	found, err = d.read(ctx, client.ObjectKey{Name: name}, &shared)
	if err != nil || !found {
		return connections.Offer{}, false, err
	}
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	found, err = d.read(ctx, client.ObjectKey{Name: namespace}, ns)
	if err != nil || !found {
		return connections.Offer{}, false, err
	}
	e := clusterConnectionEntry(&shared)
	return e.offer, e.serves(namespaceOf(ns)), nil
}

func (d *Directory) read(ctx context.Context, key client.ObjectKey, into client.Object) (bool, error) {
	err := d.Live.Get(ctx, key, into)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
