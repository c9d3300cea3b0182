// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// provisionedKinds are the kinds of objects that are made for connections.
var provisionedKinds = map[connections.Kind]schema.GroupVersionKind{
	connections.KindSecret:         {Version: "v1", Kind: "Secret"},
	connections.KindServiceAccount: {Version: "v1", Kind: "ServiceAccount"},
	connections.KindProviderClass:  {Group: "secrets-store.csi.x-k8s.io", Version: "v1", Kind: "SecretProviderClass"},
}

// Made lists the objects of a kind that Service Connector made in a namespace,
// "" for all, those that it has left to their namespaces included: metadata only, so that the right to list Secrets' metadata is
// used and no value is ever sent.
func Made(ctx context.Context, r client.Reader, kind connections.Kind, namespace string) ([]metav1.PartialObjectMetadata, error) {
	var list metav1.PartialObjectMetadataList
	gvk := provisionedKinds[kind]
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	err := r.List(ctx, &list, client.InNamespace(namespace), client.HasLabels{v1alpha1.LabelConnection})
	if meta.IsNoMatchError(err) {
		return nil, nil // the driver of vaults is not installed, so that there is none
	}
	if err != nil {
		return nil, fmt.Errorf("listing what was made of kind %s: %w", kind, err)
	}
	return list.Items, nil
}

// addProvisioned finds the namespaces that have what holds each connection's
// settings.
func (l *Listing) addProvisioned(ctx context.Context, r client.Reader, namespace string) error {
	for _, kind := range []connections.Kind{connections.KindSecret, connections.KindProviderClass} {
		made, err := Made(ctx, r, kind, namespace)
		if apierrors.IsForbidden(err) {
			l.note(fmt.Sprintf("%ss cannot be listed with your rights; what is provisioned may be incomplete", kind))
			continue
		}
		if err != nil {
			return err
		}
		for i := range l.Connections {
			c := &l.Connections[i]
			for _, object := range made {
				if madeFor(c, &object) && !slices.Contains(c.Provisioned, object.Namespace) {
					c.Provisioned = append(c.Provisioned, object.Namespace)
				}
			}
			slices.Sort(c.Provisioned)
		}
	}
	return nil
}

func madeFor(c *Connection, object metav1.Object) bool {
	return object.GetAnnotations()[v1alpha1.AnnotationOwner] == c.definition.Owner()
}

// leftBy reports whether an object was made for a connection, and stayed when that
// did not need it any more.
func leftBy(c *Connection, object metav1.Object) bool {
	return object.GetAnnotations()[v1alpha1.AnnotationRetained] == c.definition.Owner()
}
