// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/product"
)

const (
	clientA = "aaaaaaaa-0000-0000-0000-000000000000"
	clientB = "bbbbbbbb-0000-0000-0000-000000000000"
	tenant  = "99999999-0000-0000-0000-000000000000"

	// patience is how long a condition is waited for.
	patience = time.Minute

	// canary is part of every credential that the tests make. The last test
	// looks for it where it must not be.
	canary = "c4n4ry-v4lu3"
)

// shop is a namespace that one test works in.
type shop struct {
	t    *testing.T
	name string
}

// newNamespace makes a namespace, with a label of its own name for
// ClusterConnections, that can take pods.
func newNamespace(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, name: "t-" + random(t)}
	_, err := clients.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name, Labels: map[string]string{"shop": s.name}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.logIfFailed)
	s.eventually("the service account default exists", func() bool {
		_, err := clients.CoreV1().ServiceAccounts(s.name).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	return s
}

// logIfFailed shows what the webhook last logged about the namespace of a test that
// failed.
func (s *shop) logIfFailed() {
	if !s.t.Failed() {
		return
	}
	raw, err := os.ReadFile(installed.Log)
	if err != nil {
		s.t.Log(err)
	}
	const most = 60
	var about []string
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, s.name) {
			about = append(about, line)
		}
	}
	s.t.Logf("the webhook's log:\n%s", strings.Join(about[max(0, len(about)-most):], ""))
}

func random(t *testing.T) string {
	t.Helper()
	var b [5]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b[:])
}

// eventually waits for a condition.
func (s *shop) eventually(what string, met func() bool) {
	s.t.Helper()
	eventually(s.t, what, met)
}

func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !met() {
		select {
		case <-ctx.Done():
			t.Fatalf("after %s not: %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func secretSpec(secret string) v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "postgres-flexible", Parameters: map[string]v1alpha1.Parameter{
			"server": "orders", "database": "orders", "user": "app"}},
		Client: "python",
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: secret}},
	}
}

func identitySpec(clientID v1alpha1.UUID) v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "receipts"}},
		Auth: v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity,
			WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID, TenantID: tenant}},
	}
}

// connect makes a Connection in the shop.
func (s *shop) connect(name string, spec v1alpha1.ConnectionSpec) {
	s.t.Helper()
	err := objects.Create(s.t.Context(), &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name}, Spec: spec})
	if err != nil {
		s.t.Fatal(err)
	}
}

// credentials makes a Secret in the shop.
func (s *shop) credentials(name string, data map[string]string) {
	s.t.Helper()
	credentials(s.t, s.name, name, data)
}

func credentials(t *testing.T, namespace, name string, data map[string]string) {
	t.Helper()
	for key, value := range data {
		data[key] = value + "-" + canary
	}
	_, err := clients.CoreV1().Secrets(namespace).Create(t.Context(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// connectCluster makes a ClusterConnection that serves namespaces with these
// labels, and its credentials. Its name is unique.
func connectCluster(t *testing.T, labels map[string]string) string {
	t.Helper()
	name := "db-" + random(t)
	credentials(t, product.Namespace, name, map[string]string{"password": "p"})
	c := &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec:    secretSpec(name),
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector, Selector: &metav1.LabelSelector{MatchLabels: labels}},
	}}
	if err := objects.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = objects.Delete(context.Background(), c) })
	return name
}

// annotated returns a pod with an annotation for these connections.
func annotated(connections string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "p-", Annotations: map[string]string{v1alpha1.AnnotationConnections: connections}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app"}}},
	}
}

func (s *shop) create(pod *corev1.Pod) (*corev1.Pod, error) {
	return clients.CoreV1().Pods(s.name).Create(s.t.Context(), pod, metav1.CreateOptions{})
}

func (s *shop) mustCreate(pod *corev1.Pod) *corev1.Pod {
	s.t.Helper()
	created, err := s.create(pod)
	if err != nil {
		s.t.Fatal(err)
	}
	return created
}

// mustDeny asserts that the pod is refused, by us, in one line that holds all of
// the texts, and returns that line.
func (s *shop) mustDeny(pod *corev1.Pod, texts ...string) string {
	s.t.Helper()
	_, err := s.create(pod)
	if err == nil {
		s.t.Fatalf("the pod was admitted, want it denied with %q", texts)
	}
	message := err.Error()
	if !strings.HasPrefix(message, `admission webhook "pods.serviceconnector.dev" denied the request: `) {
		s.t.Fatalf("refused, but not by us: %s", message)
	}
	if strings.Contains(message, canary) {
		s.t.Errorf("a credential is in the message: %s", message)
	}
	if !apierrors.IsForbidden(err) || strings.Contains(message, "\n") {
		s.t.Errorf("not one line of a 403: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(message, text) {
			s.t.Errorf("message %q, want %q in it", message, text)
		}
	}
	return message
}

// pods waits until the shop has n pods that fit the selector and are not on
// their way out.
func (s *shop) pods(selector string, n int) []corev1.Pod {
	s.t.Helper()
	var found []corev1.Pod
	s.eventually(selector+" has its pods", func() bool {
		list, err := clients.CoreV1().Pods(s.name).List(s.t.Context(), metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			s.t.Fatal(err)
		}
		found = nil
		for _, pod := range list.Items {
			if pod.DeletionTimestamp == nil {
				found = append(found, pod)
			}
		}
		return len(found) == n
	})
	return found
}

// sources lists a container's envFrom: secret names, with their prefix before
// a colon, and configMap names.
func sources(container corev1.Container) string {
	var list []string
	for _, source := range container.EnvFrom {
		name := ""
		switch {
		case source.SecretRef != nil:
			name = source.SecretRef.Name
		case source.ConfigMapRef != nil:
			name = source.ConfigMapRef.Name
		}
		if source.Prefix != "" {
			name = source.Prefix + ":" + name
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func (s *shop) wantSources(container corev1.Container, want string) {
	s.t.Helper()
	if got := sources(container); got != want {
		s.t.Errorf("container %q has envFrom %q, want %q", container.Name, got, want)
	}
}
