// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Pods that lack their connections are found, told of once for their workload, and
// replaced as soon as the new ones will have them.
func TestHalfConnectedPodsAreFoundAndReplaced(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.wantReady("receipts", v1alpha1.ReasonReady)
	s.label("control-plane", "true") // a namespace that the webhook is not asked about
	s.deploy(map[string]string{v1alpha1.AnnotationConnections: "receipts"})
	var before corev1.Pod
	s.awaitPod("a pod without its connection", func(p corev1.Pod) bool {
		before = p
		return p.Annotations[v1alpha1.AnnotationInjected] == ""
	})
	lone := s.mustCreate(annotated("receipts"))
	if lone.Annotations[v1alpha1.AnnotationInjected] != "" {
		t.Fatal("the webhook was asked about the shop")
	}

	event := s.wantOneEvent(v1alpha1.EventNotInjected, "web")
	if event.InvolvedObject.Kind != "Deployment" || event.InvolvedObject.APIVersion != "apps/v1" || event.Type != corev1.EventTypeWarning {
		t.Errorf("the event is about %+v", event.InvolvedObject)
	}
	if !strings.Contains(event.Message, "runs without receipts") || !strings.Contains(event.Message, "kubectl rollout restart deployment/web -n "+s.name) {
		t.Errorf("the event does not say what to do: %q", event.Message)
	}
	s.wantOneEvent(v1alpha1.EventNotInjected, lone.Name)
	if n := sample(t, "serviceconnector_half_connected_pods"); n < 2 {
		t.Errorf("the metric counts %v pods, want these two at least", n)
	}
	s.awaitPod("the pod stays while a new one would be no better", func(p corev1.Pod) bool { return p.UID == before.UID })

	s.kubectl("label", "namespace", s.name, "control-plane-")
	s.awaitPod("a pod with its connection took its place", func(p corev1.Pod) bool {
		return p.UID != before.UID && strings.HasPrefix(p.Annotations[v1alpha1.AnnotationInjected], "receipts@")
	})
	s.wantOneEvent(v1alpha1.EventEvicted, "web")
	if len(s.events(v1alpha1.EventNotInjected, "web")) != 1 {
		t.Error("it was told of twice")
	}
	if _, err := clients.CoreV1().Pods(s.name).Get(t.Context(), lone.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("a pod that nobody makes again was evicted: %v", err)
	}
}

// What a running pod needs is made again even if it was deleted while nobody
// looked.
func TestObjectsDeletedWhileNobodyLooked(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	if err := installed.Stop(); err != nil {
		t.Fatal(err)
	}
	s.kubectl("delete", "secret", "sc-orders-secret")
	s.kubectl("delete", "serviceaccount", "sc-account-"+clientA)
	if err := installed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually("both are back", func() bool {
		return s.secret("sc-orders-secret") != nil && s.account("sc-account-"+clientA) != nil
	})
}
