// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/product"
)

// Both versions of Helm accept the chart, the API server what it renders, with
// each value that adds objects, and the namespace has the restricted level.
func TestManifests(t *testing.T) {
	ctx := t.Context()
	for _, program := range []string{"helm", "helm3"} {
		if _, err := helm(ctx, program, "lint", "--strict", current.path); err != nil {
			t.Error(err)
		}
		_, err := helm(ctx, program, append(current.arguments(
			"networkPolicy.egress[0].ports[0].port=443", "hostNetwork=true", "azure.clientID=11111111-2222-3333-4444-555555555555",
			"failurePolicy=Ignore", "namespaces.only={shop}", "scan.evict=true", "rollout.enabled=true",
			"policies.requireInjection.enabled=true", "policies.guardMarks.enabled=true", "tracing.endpoint=http://collector:4318",
		), "--dry-run=server")...)
		if err != nil {
			t.Error(err)
		}
	}
	manifest := ownImage(t)
	// What helm owns is forced: nothing is written.
	if _, err := kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", manifest); err != nil {
		t.Error(err)
	}
	record("helm lint, Helm 4 and 3; API server's dry run", "no complaint")
	wantHelmTest(t, "helm")
	record("helm test", "passes")
}

// What the chart has for Azure reaches the webhook as its own flags, whose tests say what
// they do.
func TestAzureValues(t *testing.T) {
	rendered, err := helm(t.Context(), "helm", "template", release, current.path, "--show-only", "templates/deployment.yaml",
		"--set", "azure.cluster=/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/c",
		"--set", "azure.serve.my_conn={team-a,team-b}", "--set", "azure.federation.enabled=true",
		"--set", "azure.federation.propagation=20s", "--set", "azure.federation.scopes={/subscriptions/s,/subscriptions/t}")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"--azure-cluster=/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/c", "--azure-cloud=AzurePublic",
		"--azure-interval=5m", "--azure-serve=my_conn=team-a,team-b", "--azure-federate", "--azure-propagation=20s",
		"--azure-identities=/subscriptions/s,/subscriptions/t",
	} {
		if !strings.Contains(rendered, "        - "+want+"\n") {
			t.Errorf("the Deployment lacks %s:\n%s", want, rendered)
		}
	}
}

// The replicas run where the API server enforces the restricted level.
func TestRestricted(t *testing.T) {
	namespace, err := clients.CoreV1().Namespaces().Get(t.Context(), product.Namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := namespace.Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
		t.Fatalf("the namespace enforces %q", got)
	}
	pods, err := replicas(t.Context())
	if err != nil || len(pods) != 2 {
		t.Fatalf("%d replicas, %v", len(pods), err)
	}
	for _, pod := range pods {
		if !podReady(&pod) {
			t.Errorf("replica %s is not ready", pod.Name)
		}
	}
	record("restricted pod security", "2 replicas run in %s", product.Namespace)
}
