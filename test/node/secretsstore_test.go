// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const classManifest = `
apiVersion: v1
kind: Secret
metadata: {name: fake-vault-orders, namespace: kube-system}
stringData: {password: s3cret, user: app}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: orders, namespace: default}
spec:
  provider: azure
  parameters:
    keyvaultName: orders
    tenantId: t1
    clientID: c1
    objects: |
      array:
        - |
          objectName: password
          objectType: secret
        - |
          objectName: user
          objectAlias: DB_USER
          objectType: secret
  secretObjects:
    - secretName: synced
      type: Opaque
      data:
        - {objectName: password, key: DB_PASSWORD}
        - {objectName: DB_USER, key: DB_USER}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: lacking, namespace: default}
spec:
  provider: azure
  parameters:
    keyvaultName: orders
    tenantId: t1
    objects: "array: ['{objectName: absent, objectType: secret}']"
`

func TestSecretsStore(t *testing.T) {
	needsNode(t)
	before := look(t)
	n, clients := start(t, Options{SecretsStore: true})
	manifest := filepath.Join(t.TempDir(), "class.yaml")
	if err := os.WriteFile(manifest, []byte(classManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Cluster.Kubectl(t.Context(), "apply", "-f", manifest); err != nil {
		t.Fatal(err)
	}

	t.Run("files", func(t *testing.T) {
		for want, args := range map[string][]string{
			"/secrets/DB_USER\n/secrets/password\n": {"ls", "-R", "/secrets"},
			"s3cretapp":                             {"cat", "/secrets/password", "/secrets/DB_USER"},
		} {
			if got := run(t, clients, volumePod(args[0], "orders", args...)); got != want {
				t.Errorf("%v printed %q, want %q", args, got, want)
			}
		}
	})

	t.Run("the synced secret with envFrom", func(t *testing.T) {
		pod := volumePod("env", "orders", "printenv", "DB_USER", "DB_PASSWORD")
		pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{
			SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "synced"}},
		}}
		if got := run(t, clients, pod); got != "app\ns3cret\n" {
			t.Errorf("the pod printed %q", got)
		}
		secret, err := clients.CoreV1().Secrets(metav1.NamespaceDefault).Get(t.Context(), "synced", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var owners []string
		for _, owner := range secret.OwnerReferences {
			owners = append(owners, owner.Kind+"/"+owner.Name)
		}
		want := []any{map[string]string{"secrets-store.csi.k8s.io/managed": "true"}, 3}
		if diff := cmp.Diff(want, []any{secret.Labels, len(owners)}); diff != "" {
			t.Errorf("labels and number of owners (-want +got), owners %v:\n%s", owners, diff)
		}
	})

	t.Run("an object that the vault lacks is named in an event", func(t *testing.T) {
		create(t, clients, volumePod("lacking", "lacking", "pause"))
		awaitEvent(t, clients, "lacking", "failed to get objectType:secret, objectName:absent")
	})

	t.Run("a class that is not there is named in an event", func(t *testing.T) {
		create(t, clients, volumePod("classless", "nowhere", "pause"))
		awaitEvent(t, clients, "classless", `secretproviderclasses.secrets-store.csi.x-k8s.io "nowhere" not found`)
	})

	t.Run("the secret goes with the last pod that owns it", func(t *testing.T) {
		for _, name := range []string{"ls", "cat", "env"} {
			if err := clients.CoreV1().Pods(metav1.NamespaceDefault).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the secret to go", func(ctx context.Context) error {
			_, err := clients.CoreV1().Secrets(metav1.NamespaceDefault).Get(ctx, "synced", metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("it is there, or: %w", err)
		})
	})

	t.Run("Stop leaves nothing, while a volume is mounted", func(t *testing.T) {
		create(t, clients, volumePod("pause", "orders", "pause"))
		awaitPhase(t, clients, "pause", corev1.PodRunning)
		stop(t, n)
		unchanged(t, before)
	})
}

// volumePod returns a pod that has the files of a class in /secrets.
func volumePod(name, class string, args ...string) *corev1.Pod {
	pod := toolsPod(name, args...)
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "secrets", MountPath: "/secrets", ReadOnly: true}}
	pod.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver:           secretsStoreDriver,
		ReadOnly:         new(true),
		VolumeAttributes: map[string]string{"secretProviderClass": class},
	}}}}
	return pod
}

// awaitEvent waits for an event of a pod that holds a text.
func awaitEvent(t *testing.T, clients kubernetes.Interface, pod, text string) {
	t.Helper()
	eventually(t, "an event of pod "+pod, func(ctx context.Context) error {
		events, err := clients.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
		if err != nil {
			return err
		}
		var said []string
		for _, event := range events.Items {
			if strings.Contains(event.Message, text) {
				return nil
			}
			said = append(said, event.Message)
		}
		return fmt.Errorf("no event with %q in %q", text, said)
	})
}
