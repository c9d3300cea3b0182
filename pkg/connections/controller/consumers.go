// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
)

// pageSize is how many pods are listed at a time: with more, a page takes more memory
// than all that the index holds of a thousand namespaces.
const pageSize = 200

// alive selects pods that have not ended.
func alive(more ...fields.Selector) fields.Selector {
	return fields.AndSelectors(append(more,
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)))...)
}

// eachPod calls f with the metadata of the pods of a namespace, "" for all, that
// match, page by page.
func eachPod(ctx context.Context, live client.Reader, namespace string, match fields.Selector, f func(*metav1.PartialObjectMetadata)) error {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	for {
		err := live.List(ctx, list, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: match},
			client.Limit(pageSize), client.Continue(list.Continue))
		if err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		for n := range list.Items {
			f(&list.Items[n])
		}
		if list.Continue == "" {
			return nil
		}
	}
}

// consumers returns how many pods use an object that was made for a connection,
// and the name of one.
func consumers(ctx context.Context, live client.Reader, object connections.Object, connection string) (count int, example string, err error) {
	match, uses := alive(), func(pod *metav1.PartialObjectMetadata) bool {
		_, ok := connections.Given(pod.Annotations)[connection]
		return ok
	}
	if object.Kind == connections.KindServiceAccount {
		match = alive(fields.OneTermEqualSelector("spec.serviceAccountName", object.Name))
		uses = func(*metav1.PartialObjectMetadata) bool { return true }
	}
	err = eachPod(ctx, live, object.Namespace, match, func(pod *metav1.PartialObjectMetadata) {
		if !uses(pod) {
			return
		}
		count++
		if example == "" || pod.Name < example {
			example = pod.Name
		}
	})
	return count, example, err
}
