// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// collector takes traces by OTLP over HTTP, as an OpenTelemetry Collector does.
type collector struct {
	server *httptest.Server

	mu    sync.Mutex
	spans []*tracepb.Span
}

func startCollector() *collector {
	c := &collector{}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var request coltracepb.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &request) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	return c
}

// of returns the spans of a trace, by name.
func (c *collector) of(id string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]*tracepb.Span{}
	for _, span := range c.spans {
		if hex.EncodeToString(span.GetTraceId()) == id {
			found[span.GetName()] = span
		}
	}
	return found
}

// tracingConfig writes a configuration with which the API server passes the
// context of traces on, and samples none by itself. Nobody takes its own spans.
func tracingConfig() (path string, err error) {
	dir, err := os.MkdirTemp("", "tracing-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "tracing.yaml")
	return path, os.WriteFile(path, []byte("apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: 127.0.0.1:1\n"), 0o600)
}

// traced adds a trace's context to requests.
type traced struct {
	next http.RoundTripper
	id   string
}

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("traceparent", fmt.Sprintf("00-%s-00f067aa0ba902b7-01", t.id))
	return t.next.RoundTrip(r)
}

// A trace that begins at whoever makes a pod goes through the API server to the
// webhook, and shows what that asked the API server for.
func TestTraces(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.wantReady("receipts", "Ready")
	id := strings.Repeat("0", 22) + random(t)
	config := controlPlane.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return traced{next, id} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Pods(s.name).Create(t.Context(), annotated("receipts"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secret := "POST /api/v1/namespaces/" + s.name + "/secrets"
	var spans map[string]*tracepb.Span
	s.eventually("the trace has the webhook's spans", func() bool {
		spans = traces.of(id)
		return spans["POST /mutate-pods"] != nil && spans[secret] != nil
	})
	admission := spans["POST /mutate-pods"]
	if string(spans[secret].GetParentSpanId()) != string(admission.GetSpanId()) {
		t.Error("what the admission asked for is not below it")
	}
	attributes := map[string]string{}
	for _, attribute := range admission.GetAttributes() {
		attributes[attribute.GetKey()] = attribute.GetValue().GetStringValue()
	}
	if attributes["serviceconnector.result"] != "allowed" {
		t.Errorf("the span does not say how the admission ended: %v", attributes)
	}
}
