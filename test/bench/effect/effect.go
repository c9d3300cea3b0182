// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package effect is what every contender does to a pod: what the connection of the
// benchmark gives it.
package effect

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"serviceconnector.dev/pkg/mutate"
)

// What the connection is.
const (
	Connection     = "receipts"
	Secret         = "sc-receipts-secret"
	ClientID       = "aaaaaaaa-0000-0000-0000-000000000000"
	ServiceAccount = "sc-account-" + ClientID
	// Record stands in for the webhook's record, which has a digest.
	Record = Connection + "@0123456789ab"
)

// Pod returns the pod that is made again and again: some 4 KB as the API server
// sends it.
func Pod() *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{ServiceAccountName: "default", RestartPolicy: corev1.RestartPolicyAlways}}
	pod.GenerateName = "p-"
	pod.Labels = map[string]string{"app": "web", "pod-template-hash": "6f885bb76d"}
	pod.Annotations = map[string]string{mutate.AnnotationConnections: Connection}
	for _, name := range []string{"app", "proxy"} {
		container := corev1.Container{Name: name, Image: "example.com/" + name + ":1"}
		for _, variable := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
			container.Env = append(container.Env, corev1.EnvVar{Name: "VARIABLE_" + variable, Value: "some value"})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, container)
	}
	return pod
}

// Apply changes a pod as the webhook would.
func Apply(pod *corev1.Pod) {
	pod.Annotations[mutate.AnnotationInjected] = Record
	pod.Labels[mutate.LabelWorkloadIdentity] = "true"
	pod.Spec.ServiceAccountName = ServiceAccount
	from := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: Secret}}}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].EnvFrom = append([]corev1.EnvFromSource{from}, pod.Spec.Containers[i].EnvFrom...)
	}
}

// Check reports how a pod, as it was made, lacks the effect.
func Check(pod *corev1.Pod) error {
	from := func(c corev1.Container) bool {
		return len(c.EnvFrom) == 1 && c.EnvFrom[0].SecretRef != nil && c.EnvFrom[0].SecretRef.Name == Secret
	}
	switch {
	case !strings.HasPrefix(pod.Annotations[mutate.AnnotationInjected], Connection+"@"):
		return fmt.Errorf("its record is %q", pod.Annotations[mutate.AnnotationInjected])
	case pod.Labels[mutate.LabelWorkloadIdentity] != "true" || len(pod.Labels) != 3:
		return fmt.Errorf("its labels are %v", pod.Labels)
	case pod.Spec.ServiceAccountName != ServiceAccount:
		return fmt.Errorf("its service account is %q", pod.Spec.ServiceAccountName)
	case len(pod.Spec.Containers) != 2 || !from(pod.Spec.Containers[0]) || !from(pod.Spec.Containers[1]):
		return fmt.Errorf("its containers are %v", pod.Spec.Containers)
	case len(pod.Annotations) != 2 || len(pod.Spec.Volumes) != 1:
		return fmt.Errorf("it has more than it should: %v, %v", pod.Annotations, pod.Spec.Volumes)
	}
	return nil
}
