// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// usesConnection reports whether a pod was given a connection, in any revision.
func usesConnection(pod *corev1.Pod, name string) bool {
	for item := range strings.SplitSeq(pod.Annotations[v1alpha1.AnnotationInjected], ",") {
		if connection, _, _ := strings.Cut(item, "@"); connection == name {
			return true
		}
	}
	return false
}
