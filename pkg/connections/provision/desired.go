// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"bytes"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// secretTypePrefix makes a Secret's type that of the Service Binding
// specification, section "Well-known Secret Entries".
const secretTypePrefix = "servicebinding.io/"

// desiredSecret returns the Secret of a binding with its rendered data. present
// is the one that is there, nil for none: if its data changes, that is at now, the
// zero time for nobody knows.
func desiredSecret(namespace string, b *connections.Binding, r *Rendering, present *corev1.Secret, now time.Time) *coreapply.SecretApplyConfiguration {
	annotations := settingsMarks(b)
	if r.Credentials != "" {
		annotations[v1alpha1.AnnotationCredentials] = r.Credentials
	}
	wanted := coreapply.Secret(b.Secret, namespace).WithLabels(marks(b)).WithType(secretType(b)).WithData(r.data)
	if present != nil {
		// A Secret's type cannot be changed; the entry type in it can.
		wanted.WithUID(present.UID).WithType(present.Type)
		changed := present.Annotations[v1alpha1.AnnotationChanged]
		if !holds(present.Data, r.data) && !now.IsZero() {
			changed = now.UTC().Format(time.RFC3339)
		}
		if changed != "" {
			annotations[v1alpha1.AnnotationChanged] = changed
		}
	}
	return wanted.WithAnnotations(annotations)
}

// holds reports whether data has all that is wanted. Keys that others added are
// theirs.
func holds(data, wanted map[string][]byte) bool {
	for key, value := range wanted {
		if present, ok := data[key]; !ok || !bytes.Equal(present, value) {
			return false
		}
	}
	return true
}

func secretType(b *connections.Binding) corev1.SecretType {
	return corev1.SecretType(secretTypePrefix + b.Type())
}

// desiredServiceAccount returns the service account of a binding's identity.
func desiredServiceAccount(namespace string, b *connections.Binding) *coreapply.ServiceAccountApplyConfiguration {
	annotations := ownerMarks(b)
	annotations[v1alpha1.AnnotationClientID] = string(b.Identity.ClientID)
	if b.Identity.TenantID != "" {
		annotations[v1alpha1.AnnotationTenantID] = string(b.Identity.TenantID)
	}
	return coreapply.ServiceAccount(b.ServiceAccount, namespace).
		WithLabels(marks(b)).
		WithAnnotations(annotations)
}

// desiredProviderClass returns the SecretProviderClass of a binding. Its type is
// that of the Secrets Store CSI driver, whose module cannot be had; source: the
// driver's documentation.
func desiredProviderClass(namespace string, b *connections.Binding) *unstructured.Unstructured {
	spec := map[string]any{"provider": "azure", "parameters": anyValues(b.ProviderClass.Parameters)}
	class := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	class.SetGroupVersionKind(providerClasses.GroupVersion().WithKind(string(connections.KindProviderClass)))
	class.SetNamespace(namespace)
	class.SetName(b.ProviderClass.Name)
	class.SetLabels(marks(b))
	class.SetAnnotations(settingsMarks(b))
	if synced := b.ProviderClass.Synced; len(synced) > 0 {
		data := make([]any, 0, len(synced))
		for _, variable := range slices.Sorted(maps.Keys(synced)) {
			data = append(data, map[string]any{"key": variable, "objectName": synced[variable]})
		}
		spec["secretObjects"] = []any{
			map[string]any{"secretName": b.Secret, "type": string(corev1.SecretTypeOpaque), "data": data},
		}
	}
	return class
}

func anyValues(values map[string]string) map[string]any {
	all := make(map[string]any, len(values))
	for key, value := range values {
		all[key] = value
	}
	return all
}

func marks(b *connections.Binding) map[string]string {
	return map[string]string{
		v1alpha1.LabelManagedBy:  v1alpha1.ManagedBy,
		v1alpha1.LabelConnection: b.Definition.Name,
	}
}

// ownerMarks are the annotations of everything that is made for a binding.
func ownerMarks(b *connections.Binding) map[string]string {
	annotations := map[string]string{v1alpha1.AnnotationOwner: b.Definition.Owner()}
	if b.Deletes() {
		annotations[v1alpha1.AnnotationDeletionPolicy] = string(v1alpha1.DeletionDelete)
	}
	return annotations
}

// settingsMarks are those of what holds a binding's settings.
func settingsMarks(b *connections.Binding) map[string]string {
	annotations := ownerMarks(b)
	annotations[v1alpha1.AnnotationRevision] = b.Revision
	return annotations
}

// ours reports whether an object carries our mark.
func ours(object metav1.Object) bool {
	return object.GetLabels()[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
}

// retained returns the definition that an object was made from which is ours no
// more, "" for none.
func retained(object metav1.Object) string {
	return object.GetAnnotations()[v1alpha1.AnnotationRetained]
}
