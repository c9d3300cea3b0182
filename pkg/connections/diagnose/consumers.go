// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	corev1 "k8s.io/api/core/v1"

	"serviceconnector.dev/pkg/connections"
)

// usesConnection reports whether a pod was given a connection, in any revision.
func usesConnection(pod *corev1.Pod, name string) bool {
	_, ok := connections.Given(pod.Annotations)[name]
	return ok
}
