// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/node"
)

// job runs one command of the tools image to its end, in a pod with nothing but
// the annotation, and returns what it printed.
func job(t *testing.T, name, connections string, command ...string) string {
	t.Helper()
	created, err := clients.BatchV1().Jobs("shop").Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"serviceconnector.dev/connections": connections}},
		Spec: batchv1.JobSpec{BackoffLimit: new(int32(0)), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "app", Image: node.ToolsImage, ImagePullPolicy: corev1.PullIfNotPresent, Args: command}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for created.Status.Succeeded+created.Status.Failed == 0 {
		select {
		case <-ctx.Done():
			described, _ := machine.Cluster.Kubectl(t.Context(), "-n", "shop", "describe", "pods", "-l", "job-name="+name)
			t.Fatalf("job %s does not end:\n%s", name, described)
		case <-time.After(100 * time.Millisecond):
		}
		if created, err = clients.BatchV1().Jobs("shop").Get(ctx, name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	output := logs(t, name)
	if created.Status.Succeeded != 1 {
		t.Fatalf("job %s failed: %s", name, output)
	}
	return output
}

func logs(t *testing.T, job string) string {
	t.Helper()
	pods, err := clients.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=" + job})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d pods of job %s, %v", len(pods.Items), job, err)
	}
	stream, err := clients.CoreV1().Pods("shop").GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	raw, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func want(t *testing.T, output string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+output, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, output)
		}
	}
}

// The first sample Job of Azure's how-to, with the annotation instead of envFrom.
func TestSecret(t *testing.T) {
	want(t, job(t, "secret", "orders-db", "printenv"),
		"AZURE_POSTGRESQL_CONNECTIONSTRING=dbname=orders host=orders.postgres.database.azure.com port=5432 sslmode=require user=app password=s3cret")
	record("the how-to's Job with a connection string", "prints AZURE_POSTGRESQL_CONNECTIONSTRING")
}

// The second one: with workload identity the pod runs as the identity's service
// account, whose token is there.
func TestWorkloadIdentity(t *testing.T) {
	want(t, job(t, "identity", "receipts", "printenv"),
		"AZURE_STORAGEBLOB_RESOURCEENDPOINT=https://shopreceipts.blob.core.windows.net/",
		"AZURE_STORAGEBLOB_CLIENTID=11111111-2222-3333-4444-555555555555")
	pods, err := clients.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=identity,azure.workload.identity/use=true"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d labelled pods, %v", len(pods.Items), err)
	}
	const account = "sc-account-11111111-2222-3333-4444-555555555555"
	if got := pods.Items[0].Spec.ServiceAccountName; got != account {
		t.Errorf("service account %q", got)
	}
	token := job(t, "token", "receipts", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
	subject := "system:serviceaccount:shop:" + account
	if got := claims(t, token).Subject; got != subject {
		t.Errorf("the token in the pod is for %q, want %q", got, subject)
	}
	record("the how-to's Job with workload identity", "label, service account, and a token for %s", subject)
}

// claims reads a token. The API server has signed it; nothing here relies on that.
func claims(t *testing.T, token string) (claims struct {
	Subject string `json:"sub"`
}) {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		t.Fatal("the token cannot be read")
	}
	return claims
}

// Spring's dotted names are variables, too, and files.
func TestDottedNames(t *testing.T) {
	if got := strings.TrimSpace(job(t, "spring-file", "spring", "cat", "/bindings/spring/spring.datasource.username")); got != "app" {
		t.Errorf("the file holds %q", got)
	}
	want(t, job(t, "spring", "spring", "printenv"),
		"spring.datasource.url=jdbc:postgresql://orders.postgres.database.azure.com:5432/orders?sslmode=require",
		"spring.datasource.username=app", "spring.datasource.password=s3cret")
}

// Files as the Service Binding specification lays them out.
func TestFiles(t *testing.T) {
	listing := job(t, "list", "files", "ls", "-R", "/bindings")
	for _, file := range []string{"type", "provider", "POSTGRESQL_HOST", "POSTGRESQL_PASSWORD"} {
		if !strings.Contains(listing, "/bindings/files/"+file+"\n") {
			t.Errorf("no file %s in\n%s", file, listing)
		}
	}
	content := job(t, "cat", "files", "cat", "/bindings/files/type", "/bindings/files/provider", "/bindings/files/POSTGRESQL_PASSWORD")
	if strings.ReplaceAll(content, "\n", "") != "postgresqlself-hosteds3cret" {
		t.Errorf("the files hold %q", content)
	}
	want(t, job(t, "root", "files", "printenv", "SERVICE_BINDING_ROOT"), "/bindings")
	record("inject: Files", "the files of the Service Binding specification")
}

// Key Vault through the CSI driver: files, and the variable that the driver's
// synced Secret holds.
func TestKeyVaultCSI(t *testing.T) {
	content := job(t, "vault-files", "vault", "cat", "/mnt/secrets-store/vault/api-key", "/mnt/secrets-store/vault/tls.pem")
	if strings.ReplaceAll(content, "\n", "") != "k3ycertificate" {
		t.Errorf("the files hold %q", content)
	}
	want(t, job(t, "vault-env", "vault", "printenv", "API_KEY"), "k3y")
	record("Key Vault, with the stand-in for the CSI driver", "two files and a variable")
}
