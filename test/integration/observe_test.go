// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/meta"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// calls returns how many admissions of the shared webhook an endpoint has
// answered.
func (s *shop) calls(endpoint string) int {
	s.t.Helper()
	return metric(s.t, "serviceconnector_admissions_total", "endpoint", endpoint)
}

// metric sums the samples of a counter or gauge that have a label's value.
func metric(t *testing.T, name, label, value string) int {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(get(t, installed.Metrics).Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		for _, pair := range m.GetLabel() {
			if pair.GetName() == label && pair.GetValue() == value {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return int(sum)
}

// sample returns a metric without labels.
func sample(t *testing.T, name string) float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(get(t, installed.Metrics).Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		return m.GetGauge().GetValue()
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// warnings runs kubectl in the shop and returns all that it printed, warnings
// included.
func (s *shop) warnings(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), controlPlane.Binary("kubectl"), append([]string{"--kubeconfig", controlPlane.Kubeconfig, "-n", s.name}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	// Not in t.TempDir: kubectl takes a comma in a test's name for a separator.
	path := filepath.Join(controlPlane.Dir, random(t)+".yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantReady waits until the Ready condition of a Connection has a reason.
func (s *shop) wantReady(name, reason string) v1alpha1.Connection {
	s.t.Helper()
	var c v1alpha1.Connection
	s.eventually("connection "+name+" is "+reason, func() bool {
		if err := objects.Get(s.t.Context(), key(s.name, name), &c); err != nil {
			s.t.Fatal(err)
		}
		ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason && c.Status.ObservedGeneration == c.Generation
	})
	return c
}

// auditEvent is the part of an audit event that tests read.
type auditEvent struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

const ourUser = "system:serviceaccount:sc-system:service-connector"

// ourRequests returns the audit events of requests by the webhook that fit.
func ourRequests(t *testing.T, fits func(auditEvent) bool) []auditEvent {
	t.Helper()
	return auditEvents(t, func(e auditEvent) bool { return e.User.Username == ourUser && fits(e) })
}

func auditEvents(t *testing.T, fits func(auditEvent) bool) []auditEvent {
	t.Helper()
	raw, err := os.ReadFile(controlPlane.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var found []auditEvent
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil && fits(e) {
			found = append(found, e)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// background reports whether a request is one the webhook makes by the clock,
// whatever is admitted: watches, its lease, its certificate, and what comes after
// admission.
func background(e auditEvent) bool {
	return strings.HasPrefix(e.UserAgent, "service-connector-controller/") || e.Verb == "watch" || e.ObjectRef.Resource == "leases" || e.ObjectRef.Name == "service-connector-ca" ||
		e.ObjectRef.Resource == "mutatingwebhookconfigurations"
}

func webhookLog(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(installed.Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }
