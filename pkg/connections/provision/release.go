// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// resources are the resources of what is made.
var resources = map[connections.Kind]schema.GroupVersionResource{
	connections.KindSecret:         corev1.SchemeGroupVersion.WithResource("secrets"),
	connections.KindServiceAccount: corev1.SchemeGroupVersion.WithResource("serviceaccounts"),
	connections.KindProviderClass:  providerClasses,
}

// Release takes our marks off an object that is no longer needed, so that it is
// nobody's but its namespace's. It keeps the label of its connection, by which it
// is found, and a mark by which its definition, owner, may take it back. What is
// gone, or is not that owner's any more, needs none of it.
func (p *Provisioner) Release(ctx context.Context, object connections.Object, owner string) error {
	var err error
	switch object.Kind {
	case connections.KindSecret:
		err = p.releaseSecret(ctx, object, owner)
	case connections.KindServiceAccount:
		err = p.releaseServiceAccount(ctx, object, owner)
	case connections.KindProviderClass:
		err = p.releaseProviderClass(ctx, object, owner)
	}
	_, err = exists(err)
	return wrap(err, "leaving %s %q in namespace %q to its namespace", object.Kind, object.Name, object.Namespace)
}

// Each of these applies what is ours of the object as it is, with other marks.

func (p *Provisioner) releaseSecret(ctx context.Context, object connections.Object, owner string) error {
	client := p.client.Core.Secrets(object.Namespace)
	present, err := client.Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil || !ownedBy(present, owner) {
		return err
	}
	if present, err = claim(ctx, client, present, Write); err != nil {
		return err
	}
	left, err := coreapply.ExtractSecret(present, v1alpha1.ManagedBy)
	if err != nil {
		return err
	}
	left.Labels, left.Annotations = releasedLabels(present), releasedAnnotations(present, owner)
	_, err = client.Apply(ctx, left.WithUID(present.UID).WithResourceVersion(present.ResourceVersion), Write.applyOptions())
	return err
}

func (p *Provisioner) releaseServiceAccount(ctx context.Context, object connections.Object, owner string) error {
	client := p.client.Core.ServiceAccounts(object.Namespace)
	present, err := client.Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil || !ownedBy(present, owner) {
		return err
	}
	if present, err = claim(ctx, client, present, Write); err != nil {
		return err
	}
	left, err := coreapply.ExtractServiceAccount(present, v1alpha1.ManagedBy)
	if err != nil {
		return err
	}
	left.Labels, left.Annotations = releasedLabels(present), releasedAnnotations(present, owner)
	_, err = client.Apply(ctx, left.WithUID(present.UID).WithResourceVersion(present.ResourceVersion), Write.applyOptions())
	return err
}

func (p *Provisioner) releaseProviderClass(ctx context.Context, object connections.Object, owner string) error {
	client := p.client.Dynamic.Resource(providerClasses).Namespace(object.Namespace)
	present, err := client.Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil || !ownedBy(present, owner) {
		return err
	}
	left := &unstructured.Unstructured{Object: map[string]any{"spec": present.Object["spec"]}}
	left.SetGroupVersionKind(present.GroupVersionKind())
	left.SetNamespace(object.Namespace)
	left.SetName(object.Name)
	left.SetUID(present.GetUID())
	left.SetResourceVersion(present.GetResourceVersion())
	left.SetLabels(releasedLabels(present))
	left.SetAnnotations(releasedAnnotations(present, owner))
	_, err = client.Apply(ctx, object.Name, left, Write.applyOptions())
	return err
}

func ownedBy(object metav1.Object, owner string) bool {
	return ours(object) && object.GetAnnotations()[v1alpha1.AnnotationOwner] == owner
}

func releasedLabels(object metav1.Object) map[string]string {
	return map[string]string{v1alpha1.LabelConnection: object.GetLabels()[v1alpha1.LabelConnection]}
}

func releasedAnnotations(object metav1.Object, owner string) map[string]string {
	annotations := map[string]string{v1alpha1.AnnotationRetained: owner}
	for _, key := range []string{v1alpha1.AnnotationClientID, v1alpha1.AnnotationTenantID} {
		if value, ok := object.GetAnnotations()[key]; ok {
			annotations[key] = value
		}
	}
	return annotations
}

// Remove deletes an object as it was seen at a resourceVersion. What is gone
// already is no error.
func (p *Provisioner) Remove(ctx context.Context, object connections.Object, resourceVersion string) error {
	err := p.client.Dynamic.Resource(resources[object.Kind]).Namespace(object.Namespace).
		Delete(ctx, object.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &resourceVersion}})
	_, err = exists(err)
	return wrap(err, "deleting %s %q in namespace %q", object.Kind, object.Name, object.Namespace)
}
