// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

const configurationName = "admission.serviceconnector.dev"

// caller returns an HTTP client that trusts the webhook as the API server does:
// by the published caBundle alone.
func caller(t *testing.T) *http.Client {
	t.Helper()
	configuration, err := clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), configurationName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle) {
		t.Fatal("no certificate in the published caBundle")
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send posts a body to the pods endpoint.
func send(t *testing.T, contentType, body string) (*http.Response, string) {
	t.Helper()
	return sendAs(t, caller(t), contentType, body)
}

func sendAs(t *testing.T, client *http.Client, contentType, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, installed.URL+"/mutate-pods?timeout=5s", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(raw)
}

// review sends the review of a pod of the shop and returns the response.
func (s *shop) review(t *testing.T, connections string) *admissionv1.AdmissionResponse {
	t.Helper()
	return s.reviewAs(t, caller(t), connections)
}

// reviewOffline is review for while the API server, and so the caBundle, is away.
func (s *shop) reviewOffline(t *testing.T, connections string) *admissionv1.AdmissionResponse {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the caBundle is out of reach
	t.Cleanup(transport.CloseIdleConnections)
	return s.reviewAs(t, &http.Client{Transport: transport}, connections)
}

func (s *shop) reviewAs(t *testing.T, client *http.Client, connections string) *admissionv1.AdmissionResponse {
	t.Helper()
	raw, err := json.Marshal(annotated(connections))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{UID: types.UID("by-hand"), Namespace: s.name, Operation: admissionv1.Create,
			Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Object: runtime.RawExtension{Raw: raw}},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, answer := sendAs(t, client, "application/json", string(body))
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(answer), &review); err != nil || review.Response == nil || review.Response.UID != "by-hand" {
		t.Fatalf("got %s %s: %v", response.Status, answer, err)
	}
	return review.Response
}

// Production's transport is HTTP/1.1: the API server speaks nothing else to a
// Service. A loopback URL would get HTTP/2 if we offered it.
func TestTransport(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	if log := webhookLog(t); !strings.Contains(log, `"protocol":"HTTP/1.1"`) || strings.Contains(log, `"protocol":"HTTP/2`) {
		t.Error("the API server's calls are not HTTP/1.1")
	}
	response, _ := send(t, "application/json", "{}")
	if response.Proto != "HTTP/1.1" || response.TLS.NegotiatedProtocol == "h2" {
		t.Errorf("a client that prefers HTTP/2 got %s", response.Proto)
	}
}

// Reviews that are none get a 4xx from the running server, which goes on.
func TestMalformedReviews(t *testing.T) {
	beta := `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u","object":{}}}`
	tests := map[string]struct {
		contentType, body string
		code              int
	}{
		"v1beta1":      {"application/json", beta, 400},
		"no JSON":      {"application/json", "apiVersion: v1", 400},
		"content type": {"application/yaml", beta, 415},
		"8 MiB":        {"application/json", strings.Repeat(" ", 8<<20), 413},
		"depth bomb":   {"application/json", strings.Repeat("[", 1<<20), 400},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := send(t, test.contentType, test.body)
			if response.StatusCode != test.code || strings.Contains(body, "allowed") {
				t.Errorf("got %s: %.200s", response.Status, body)
			}
		})
	}
	if response := get(t, installed.Metrics); response.StatusCode != http.StatusOK {
		t.Errorf("the metrics answer %s", response.Status)
	}
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
}

// Pods without the annotation never reach us.
func TestUnannotatedPodsAreNotSent(t *testing.T) {
	s := newNamespace(t)
	calls := s.calls("pods")
	for range 5 {
		pod := annotated("x")
		pod.Annotations = map[string]string{"example.com/other": "x"}
		created := s.mustCreate(pod)
		s.wantSources(created.Spec.Containers[0], "")
	}
	if now := s.calls("pods"); now != calls {
		t.Errorf("%d calls for unannotated pods", now-calls)
	}
}

// What we say reaches the audit log under our name.
func TestAuditAnnotations(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	s.mustDeny(annotated("unknown"))
	for reason, connections := range map[string]string{"Injected": "receipts", "UnknownConnection": "unknown"} {
		s.eventually("the audit log has "+reason, func() bool {
			return len(auditEvents(t, func(e auditEvent) bool {
				return e.ObjectRef.Namespace == s.name && e.Annotations["pods.serviceconnector.dev/reason"] == reason &&
					e.Annotations["pods.serviceconnector.dev/connections"] == connections
			})) == 1
		})
	}
}
