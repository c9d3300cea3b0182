// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/product"
)

// What is uninstalled leaves running what it served, and all that workloads and
// people have of it: definitions and Secrets. A new release finds them again.
func TestUninstall(t *testing.T) {
	ctx := t.Context()
	t.Cleanup(func() { restore(t) })
	deploy(t, "served", "orders-db, receipts", 2)
	before := wantVariables(t, "served", 2)
	if err := uninstall(ctx); err != nil {
		t.Fatal(err)
	}
	for _, kept := range [][]string{
		{"get", "clusterconnection", "orders-db"},
		{"get", "-n", "shop", "connection", "receipts"},
		{"get", "-n", "shop", "secret", "sc-orders-db-secret"},
		{"get", "-n", "shop", "serviceaccount", "sc-account-11111111-2222-3333-4444-555555555555"},
	} {
		if _, err := kubectl(ctx, kept...); err != nil {
			t.Error(err)
		}
	}
	if left, err := kubectl(ctx, "get", "mutatingwebhookconfigurations,clusterroles,clusterrolebindings,flowschemas", "-o", "name", "-l", "app.kubernetes.io/name=service-connector"); err != nil || left != "" {
		t.Errorf("left behind: %s%v", left, err)
	}
	for i, pod := range wantVariables(t, "served", 2) {
		if pod.UID != before[i].UID || pod.Status.ContainerStatuses[0].RestartCount != 0 {
			t.Errorf("pod %s is not the one that ran before", pod.Name)
		}
	}
	deploy(t, "after", "orders-db", 1)
	record("helm uninstall", "pods run on; connections, Secrets, service accounts stay; new pods start without")
	if err := current.installBy(ctx, "helm3"); err != nil {
		t.Fatal(err)
	}
	wantHelmTest(t, "helm3")
	removeDeployment(t, "served")
	removeDeployment(t, "after")
	record("installed again, by Helm 3", "helm test passes")
}

// Installing by kubectl, and removing everything as the documentation says.
func TestInstallByKubectl(t *testing.T) {
	ctx := t.Context()
	t.Cleanup(func() { restore(t) })
	if err := uninstall(ctx); err != nil {
		t.Fatal(err)
	}
	manifest := ownImage(t)
	if _, err := kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-f", manifest); err != nil {
		t.Fatal(err)
	}
	if err := awaitAdmission(ctx); err != nil {
		t.Fatal(err)
	}
	record("installed by kubectl apply", "annotated pods are injected")
	removeEverything(t, manifest)
	record("everything removed", "no object of ours is left")
}

// ownImage returns the path of install.yaml with the image that the node has.
func ownImage(t *testing.T) string {
	t.Helper()
	root, err := product.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "manifests", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	shipped := []byte(`"service-connector/webhook:` + current.version + `"`)
	if bytes.Count(raw, shipped) != 1 {
		t.Fatalf("install.yaml names the image %s %d times", shipped, bytes.Count(raw, shipped))
	}
	path := filepath.Join(t.TempDir(), "install.yaml")
	if err := os.WriteFile(path, bytes.ReplaceAll(raw, shipped, []byte(imageName+":"+current.image)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// removeEverything does what docs/operations.md says, and looks for what is left.
func removeEverything(t *testing.T, manifest string) {
	t.Helper()
	ctx := t.Context()
	const mine = "serviceconnector.dev/connection"
	for _, args := range [][]string{
		{"delete", "-f", manifest},
		{"delete", "secrets,serviceaccounts", "--all-namespaces", "-l", mine},
	} {
		if _, err := kubectl(ctx, args...); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := kubectl(ctx, "get", "secrets,serviceaccounts", "--all-namespaces", "-o", "name", "-l", mine); err != nil || left != "" {
		t.Errorf("left behind: %s%v", left, err)
	}
	left, err := kubectl(ctx, "get", "crds,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,flowschemas,namespaces", "-o", "name")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(left) {
		if strings.Contains(line, "service-connector") || strings.Contains(line, "serviceconnector.dev") || strings.Contains(line, "/sc-system") {
			t.Errorf("left behind: %s", line)
		}
	}
	awaitGone(ctx, t)
}

// awaitGone looks whether the namespace is gone, which delete has waited for.
func awaitGone(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := clients.CoreV1().Namespaces().Get(ctx, product.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("namespace %s is still there: %v", product.Namespace, err)
	}
}

func wantHelmTest(t *testing.T, program string) {
	t.Helper()
	if _, err := helm(t.Context(), program, "test", release, "--namespace", product.Namespace); err != nil {
		t.Error(err)
	}
}
