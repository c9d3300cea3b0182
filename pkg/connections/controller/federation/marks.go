// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// fieldOwner is who writes the mark and the condition.
const fieldOwner = v1alpha1.ManagedBy + "-federation"

// mark says on a service account that Azure trusts it.
func (f *federation) mark(ctx context.Context, namespace, name, credential string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationFederated, credential)
	return f.patchAccount(ctx, namespace, name, patch)
}

// unmark takes back that Azure trusts a service account by a credential, if it says
// so.
func (f *federation) unmark(ctx context.Context, namespace, name, credential string) error {
	marks, present := f.Index.Object(connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: name})
	if present && marks.Credentials != credential {
		return nil
	}
	return f.patchAccount(ctx, namespace, name, fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, v1alpha1.AnnotationFederated))
}

func (f *federation) patchAccount(ctx context.Context, namespace, name string, patch []byte) error {
	account := &metav1.PartialObjectMetadata{}
	account.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(string(connections.KindServiceAccount)))
	account.Namespace, account.Name = namespace, name
	err := f.client.Patch(ctx, account, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(fieldOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("marking service account %q in namespace %q: %w", name, namespace, err)
	}
	return nil
}
