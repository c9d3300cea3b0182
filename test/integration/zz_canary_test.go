// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// No byte of a credential is in a log, event, metric, condition, message or
// patch of ours. It runs last (the file's name sees to it) and looks at what all
// tests left behind; every credential they made holds the canary.
func TestCanary(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("orders"))
	shared := connectCluster(t, map[string]string{"shop": s.name})
	pod := annotated("orders," + shared)
	pod.Annotations[v1alpha1.AnnotationEnvPrefix+shared] = "SHARED_"
	s.mustCreate(pod)
	secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-orders-secret", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(secret.Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]), canary) {
		t.Fatal("the canary is not even where it belongs")
	}

	// A refusal shows in an event of the workload.
	s.credentials("half", map[string]string{"pasword": "p"})
	s.connect("half", secretSpec("half"))
	s.deploy(map[string]string{v1alpha1.AnnotationConnections: "half"})
	s.eventually("an event tells of the refusal", func() bool {
		events, err := clients.CoreV1().Events(s.name).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
		return err == nil && len(events.Items) > 0 && strings.Contains(events.Items[0].Message, `connection "half" is not ready`)
	})

	metrics, err := io.ReadAll(get(t, installed.Metrics).Body)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the webhook's log": webhookLog(t), "the metrics": string(metrics)}
	events, err := clients.CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods, err := clients.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var connections v1alpha1.ConnectionList
	var clusterConnections v1alpha1.ClusterConnectionList
	if err := objects.List(t.Context(), &connections); err != nil {
		t.Fatal(err)
	}
	if err := objects.List(t.Context(), &clusterConnections); err != nil {
		t.Fatal(err)
	}
	for name, object := range map[string]any{"events": events, "pods": pods, "connections": connections, "cluster connections": clusterConnections} {
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		places[name] = string(raw)
	}
	places["the audit log, Secrets' own bodies aside"] = auditWithoutSecretBodies(t)
	for place, text := range places {
		if len(text) < 100 {
			t.Errorf("%s: only %d bytes to look at", place, len(text))
		}
		for _, form := range forms() {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("the canary is in %s: ...%s...", place, text[max(0, i-200):min(len(text), i+50)])
			}
		}
	}
}

// forms returns the canary as it is, and what of it shows in base64, wherever in
// the encoded text it begins.
func forms() []string {
	all := []string{canary}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))
		all = append(all, encoded[4:len(encoded)-4])
	}
	return all
}

// auditWithoutSecretBodies returns the audit log without the bodies of requests
// about Secrets. That level is the policy of the cluster, not ours; here it is
// the highest there is. Patches of webhooks and annotations stay in.
func auditWithoutSecretBodies(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(controlPlane.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.SplitSeq(string(raw), "\n") {
		var event map[string]any
		if json.Unmarshal([]byte(line), &event) != nil {
			continue
		}
		if ref, _ := event["objectRef"].(map[string]any); ref["resource"] == "secrets" {
			delete(event, "requestObject")
			delete(event, "responseObject")
		}
		rest, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(rest)
		kept.WriteByte('\n')
	}
	return kept.String()
}
