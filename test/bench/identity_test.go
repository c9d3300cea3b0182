// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"serviceconnector.dev/test/bench/effect"
)

// The stand-in is formatted as all other Go source.
func TestStandIn(t *testing.T) {
	formatted, err := format.Source([]byte(standInLogger))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(formatted), standInLogger); diff != "" {
		t.Errorf("not formatted (-want +got):\n%s", diff)
	}
}

func TestReleasedConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	manifest := "kind: Namespace\n---\nkind: MutatingWebhookConfiguration\nwebhooks:\n- name: a.example.com\n  reinvocationPolicy: IfNeeded\n"
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := releasedConfiguration(path)
	if err != nil || len(got.Webhooks) != 1 || *got.Webhooks[0].ReinvocationPolicy != admissionregistrationv1.IfNeededReinvocationPolicy {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("kind: Namespace\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := releasedConfiguration(path); err == nil || !strings.Contains(err.Error(), "no MutatingWebhookConfiguration") {
		t.Errorf("a manifest without one: %v", err)
	}
}

func TestHasToken(t *testing.T) {
	given := func() *corev1.Pod {
		pod := effect.Pod()
		token := corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: identityAudience}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "other"}, {Name: "token", VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{token}}}}}
		for i := range pod.Spec.Containers {
			c := &pod.Spec.Containers[i]
			c.Env = append(c.Env, corev1.EnvVar{Name: "AZURE_CLIENT_ID", Value: effect.ClientID})
			c.VolumeMounts = []corev1.VolumeMount{{Name: "token"}}
		}
		return pod
	}
	if err := hasToken(given()); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*corev1.PodSpec){
		"no volume":   func(s *corev1.PodSpec) { s.Volumes[1].Projected = nil },
		"no mount":    func(s *corev1.PodSpec) { s.Containers[1].VolumeMounts = nil },
		"no variable": func(s *corev1.PodSpec) { s.Containers[0].Env = nil },
	} {
		pod := given()
		spoil(&pod.Spec)
		if err := hasToken(pod); err == nil {
			t.Errorf("%s: taken for complete", name)
		}
	}
}
