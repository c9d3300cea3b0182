// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// managedBy is the value of LabelManagedBy on Secrets of credentials. It is not
// ManagedBy: those are made for pods.
const managedBy = v1alpha1.ManagedBy + "-import"

// readKeys brings the Secret with a Connection's credentials up to date. Its problem
// is what a person has to do.
func (p *pass) readKeys(ctx context.Context, w wanted) *connections.Problem {
	if w.Spec.Auth.SecretRef == nil {
		return nil
	}
	key := client.ObjectKey{Namespace: w.Namespace, Name: w.Spec.Auth.SecretRef.Name}
	if w.Spec.Auth.Type != v1alpha1.AuthSecret || !azure.HasKeys(w.Spec.Target.Service) {
		return p.needSecret(ctx, key, w)
	}
	present := &corev1.Secret{}
	err := p.Live.Get(ctx, key, present)
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return notImported("reading Secret %q in namespace %q: %v", key.Name, key.Namespace, err)
	case err == nil && present.Labels[v1alpha1.LabelManagedBy] != managedBy:
		return nil // somebody else's, which is used
	}
	read := p.keysOf(ctx, w.Spec.Target)
	if read.err != nil {
		return azure.Explain("reading the keys of its target", read.err)
	}
	return p.writeKeys(ctx, key, present, w, read.credentials)
}

// keys are the credentials of a target, or why there are none.
type keys struct {
	credentials map[string][]byte
	err         error
}

// keysOf reads the keys of a target, once for all that lead to it.
func (p *pass) keysOf(ctx context.Context, target v1alpha1.Target) keys {
	id := target.Service + " " + strings.ToLower(target.ResourceID)
	read, ok := p.keys[id]
	if !ok {
		read.credentials, read.err = p.Source.Keys(ctx, target.Service, target.ResourceID)
		p.keys[id] = read
	}
	return read
}

// needSecret says what a person has to make.
func (i *Importer) needSecret(ctx context.Context, key client.ObjectKey, w wanted) *connections.Problem {
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := i.Live.Get(ctx, key, found); !apierrors.IsNotFound(err) {
		return nil // there, or nobody knows
	}
	return &connections.Problem{Reason: v1alpha1.ReasonCredentialsNotFound, Message: fmt.Sprintf(
		"Azure does not give the credentials of %s with auth type %s; put them into Secret %q in namespace %q",
		w.Spec.Target.Service, w.Spec.Auth.Type, key.Name, key.Namespace)}
}

func (i *Importer) writeKeys(ctx context.Context, key client.ObjectKey, present *corev1.Secret, w wanted, credentials map[string][]byte) *connections.Problem {
	same := maps.EqualFunc(present.Data, credentials, slices.Equal)
	if present.UID != "" && same {
		return nil
	}
	secret := present.DeepCopy()
	secret.Namespace, secret.Name, secret.Data = key.Namespace, key.Name, credentials
	var err error
	if present.UID == "" {
		secret.Labels = map[string]string{v1alpha1.LabelManagedBy: managedBy, v1alpha1.LabelConnection: w.Name}
		secret.Annotations = map[string]string{v1alpha1.AnnotationLinker: w.Linker}
		err = i.client.Create(ctx, secret, client.FieldOwner(v1alpha1.ManagedBy))
	} else {
		err = i.client.Patch(ctx, secret, client.MergeFromWithOptions(present, client.MergeFromWithOptimisticLock{}), client.FieldOwner(v1alpha1.ManagedBy))
	}
	if err != nil {
		return notImported("writing the keys of its target into Secret %q in namespace %q: %v", key.Name, key.Namespace, err)
	}
	ctrl.LoggerFrom(ctx).Info("keys written", "namespace", key.Namespace, "secret", key.Name, "linker", w.Linker)
	return nil
}

// removeKeys deletes the Secret with the keys that were read for a Connection. One
// that somebody else made stays.
func (i *Importer) removeKeys(ctx context.Context, namespace, connection string) error {
	secrets := &metav1.PartialObjectMetadataList{}
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := i.Live.List(ctx, secrets, client.InNamespace(namespace),
		client.MatchingLabels{v1alpha1.LabelManagedBy: managedBy, v1alpha1.LabelConnection: connection})
	if err != nil {
		return fmt.Errorf("looking for the keys of Connection %s/%s, whose linker is gone: %w", namespace, connection, err)
	}
	for n := range secrets.Items {
		if err := i.client.Delete(ctx, &secrets.Items[n], client.Preconditions{UID: &secrets.Items[n].UID}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting the keys of Connection %s/%s, whose linker is gone: %w", namespace, connection, err)
		}
	}
	return nil
}
