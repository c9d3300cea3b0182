// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"maps"
	"slices"

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

// desiredSecret returns the Secret of a binding with its rendered data.
func desiredSecret(namespace string, b *connections.Binding, data map[string][]byte) *coreapply.SecretApplyConfiguration {
	return coreapply.Secret(b.Secret, namespace).
		WithLabels(marks(b)).
		WithAnnotations(map[string]string{
			v1alpha1.AnnotationOwner:    b.Definition.Owner(),
			v1alpha1.AnnotationRevision: b.Revision,
		}).
		WithType(secretType(b)).
		WithData(data)
}

func secretType(b *connections.Binding) corev1.SecretType {
	return corev1.SecretType(secretTypePrefix + b.Type())
}

// desiredServiceAccount returns the service account of a binding's identity.
func desiredServiceAccount(namespace string, b *connections.Binding) *coreapply.ServiceAccountApplyConfiguration {
	annotations := map[string]string{
		v1alpha1.AnnotationOwner:    b.Definition.Owner(),
		v1alpha1.AnnotationClientID: string(b.Identity.ClientID),
	}
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
	class.SetAnnotations(map[string]string{
		v1alpha1.AnnotationOwner:    b.Definition.Owner(),
		v1alpha1.AnnotationRevision: b.Revision,
	})
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

// ours reports whether an object carries our mark.
func ours(object metav1.Object) bool {
	return object.GetLabels()[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
}
