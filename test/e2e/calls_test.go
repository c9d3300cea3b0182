// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The API server itself counts how often it asks: for each annotated pod once,
// for one that is not annotated never.
func TestUnannotatedPodsAreNotAsked(t *testing.T) {
	const pods = 100
	create := func(connections string) float64 {
		before := calls(t)
		for range pods {
			created, err := clients.CoreV1().Pods("shop").Create(t.Context(), pausing("counted-", connections), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := kubectl(t.Context(), "-n", "shop", "delete", "pod", created.Name, "--wait=false"); err != nil {
				t.Fatal(err)
			}
		}
		return calls(t) - before
	}
	without, with := create(""), create("orders-db")
	if without != 0 || with != pods {
		t.Errorf("%v calls for %d unannotated pods and %v for %d annotated ones", without, pods, with, pods)
	}
	record("calls that the API server counts", "%v for %d unannotated pods, %v for %d annotated ones", without, pods, with, pods)
}

// calls returns how many calls the API server has made to our webhooks.
func calls(t *testing.T) float64 {
	t.Helper()
	raw, err := clients.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	family, ok := families["apiserver_admission_webhook_request_total"]
	if !ok {
		t.Fatal("the API server counts no calls")
	}
	sum := 0.0
	for _, metric := range family.Metric {
		for _, label := range metric.Label {
			if label.GetName() == "name" && strings.HasSuffix(label.GetValue(), ".serviceconnector.dev") {
				sum += metric.Counter.GetValue()
			}
		}
	}
	return sum
}
