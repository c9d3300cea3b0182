// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/mutate"
)

const (
	alertsFile    = "../../manifests/alerts/service-connector.rules.yaml"
	dashboardFile = "../../manifests/dashboards/service-connector.json"
	referenceFile = "../../docs/reference.md"
	runbooksFile  = "../../docs/runbooks.md"
)

func testMetrics() (*prometheus.Registry, *metrics, *leaderMetrics) {
	registry := prometheus.NewRegistry()
	m := newMetrics(registry, func() time.Time { return time.Time{} })
	return registry, m, newLeaderMetrics(registry)
}

var descName = regexp.MustCompile(`fqName: "([^"]*)"`)

// registered returns the names of all metrics of a registry, those without a sample
// included.
func registered(t *testing.T, registry any) []string {
	t.Helper()
	collector, ok := registry.(prometheus.Collector)
	if !ok {
		t.Fatalf("%T does not say what it has", registry)
	}
	descs := make(chan *prometheus.Desc, 1000)
	collector.Describe(descs)
	close(descs)
	var names []string
	for desc := range descs {
		names = append(names, descName.FindStringSubmatch(desc.String())[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestMetricsFollowTheConvention(t *testing.T) {
	registry, _, _ := testMetrics()
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// The reference lists all metrics of ours and no other; the alerts and the
// dashboard ask for none that the process does not have.
func TestMetricsAreThoseOfTheDocuments(t *testing.T) {
	registry, _, _ := testMetrics()
	ours := registered(t, registry)
	listed := regexp.MustCompile("(?m)^\\| `(serviceconnector_[a-z_]+)`").FindAllStringSubmatch(read(t, referenceFile), -1)
	var names []string
	for _, match := range listed {
		names = append(names, match[1])
	}
	slices.Sort(names)
	if diff := cmp.Diff(ours, names); diff != "" {
		t.Errorf("docs/reference.md (-code +page):\n%s", diff)
	}
	all := append(registered(t, crmetrics.Registry), ours...)
	for _, path := range []string{alertsFile, dashboardFile} {
		asked := regexp.MustCompile(`\b(?:serviceconnector|process|go|workqueue|controller_runtime)_[a-z0-9_]+`).FindAllString(read(t, path), -1)
		if len(asked) < 10 {
			t.Errorf("%s asks for %d metrics only", path, len(asked))
		}
		for _, name := range asked {
			if !slices.Contains(all, strings.TrimSuffix(name, "_bucket")) {
				t.Errorf("%s asks for %s, which the process does not have", path, name)
			}
		}
	}
}

// The alerts and the dashboard select only series that are there from the start: a
// label or a value that no series has would select nothing, for ever and in
// silence.
func TestDocumentsSelectSeriesThatAreThere(t *testing.T) {
	registry, _, _ := testMetrics()
	there := map[string]bool{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				there[family.GetName()+" "+label.GetName()+" "+label.GetValue()] = true
			}
		}
	}
	selector := regexp.MustCompile(`(serviceconnector_\w+)\{([^}]*)\}`)
	matcher := regexp.MustCompile(`(\w+)=~?"([^"]*)"`)
	for _, path := range []string{alertsFile, dashboardFile} {
		selectors := selector.FindAllStringSubmatch(strings.ReplaceAll(read(t, path), `\"`, `"`), -1)
		if len(selectors) == 0 {
			t.Errorf("%s selects nothing", path)
		}
		for _, s := range selectors {
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				for value := range strings.SplitSeq(m[2], "|") {
					if !there[s[1]+" "+m[1]+" "+value] {
						t.Errorf("%s selects %s with %s=%q, which no series has", path, s[1], m[1], value)
					}
				}
			}
		}
	}
}

// A refusal is seen by a rate, the first one of a replica included.
func TestSeriesOfAlertsAreThereFromTheStart(t *testing.T) {
	registry, _, _ := testMetrics()
	for name, want := range map[string]int{
		"serviceconnector_admissions_total": len(mutate.Reasons()) + 2*3, // pods denied; errors and panics of two endpoints
		"serviceconnector_provisions_total": len(kinds()) * 2,
	} {
		if got, err := testutil.GatherAndCount(registry, name); err != nil || got != want {
			t.Errorf("%s has %d series, want %d (%v)", name, got, want, err)
		}
	}
}

// Every alert has a runbook under the link that it gives.
func TestAlertsHaveRunbooks(t *testing.T) {
	alerts := regexp.MustCompile(`(?m)^  - alert: (\w+)$`).FindAllStringSubmatch(read(t, alertsFile), -1)
	links := regexp.MustCompile(`runbook_url: docs/runbooks\.md#(\w+)`).FindAllStringSubmatch(read(t, alertsFile), -1)
	if len(alerts) == 0 || len(alerts) != len(links) {
		t.Fatalf("%d alerts with %d links", len(alerts), len(links))
	}
	runbooks := read(t, runbooksFile)
	for i, alert := range alerts {
		if links[i][1] != strings.ToLower(alert[1]) || !strings.Contains(runbooks, "\n## "+alert[1]+"\n") {
			t.Errorf("alert %s has no runbook under #%s", alert[1], links[i][1])
		}
	}
	if sections := strings.Count(runbooks, "\n## "); sections != len(alerts) {
		t.Errorf("%d runbooks for %d alerts", sections, len(alerts))
	}
}

func TestLeaderMetrics(t *testing.T) {
	registry, _, m := testMetrics()
	m.Leading(true)
	m.Census(3, 1, 40, 2)
	m.HalfConnected(5)
	m.StaleWorkloads(6)
	m.Repaired(connections.KindSecret, "edited", "made")
	m.RolledOut("failed")
	m.Evicted("refused")
	want := `
# HELP serviceconnector_connections Connections and ClusterConnections, by whether they are ready (true, false).
# TYPE serviceconnector_connections gauge
serviceconnector_connections{ready="false"} 1
serviceconnector_connections{ready="true"} 3
# HELP serviceconnector_evictions_total Evictions of pods that lacked a connection, by result (evicted, refused).
# TYPE serviceconnector_evictions_total counter
serviceconnector_evictions_total{result="evicted"} 0
serviceconnector_evictions_total{result="refused"} 1
# HELP serviceconnector_half_connected_pods Running pods that lack a connection which their annotation asks for.
# TYPE serviceconnector_half_connected_pods gauge
serviceconnector_half_connected_pods 5
# HELP serviceconnector_leader Whether this replica leads (1), and so does what comes after admission, or not (0).
# TYPE serviceconnector_leader gauge
serviceconnector_leader 1
# HELP serviceconnector_objects Provisioned Secrets and SecretProviderClasses, by state (current, outdated).
# TYPE serviceconnector_objects gauge
serviceconnector_objects{state="current"} 40
serviceconnector_objects{state="outdated"} 2
# HELP serviceconnector_rollouts_total Workloads rolled for new values, by result (done, failed, refused).
# TYPE serviceconnector_rollouts_total counter
serviceconnector_rollouts_total{result="done"} 0
serviceconnector_rollouts_total{result="failed"} 1
serviceconnector_rollouts_total{result="refused"} 0
# HELP serviceconnector_stale_workloads Workloads whose pods run with earlier values of a connection.
# TYPE serviceconnector_stale_workloads gauge
serviceconnector_stale_workloads 6
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "serviceconnector_connections", "serviceconnector_evictions_total",
		"serviceconnector_half_connected_pods", "serviceconnector_leader", "serviceconnector_objects", "serviceconnector_rollouts_total",
		"serviceconnector_stale_workloads"); err != nil {
		t.Error(err)
	}
	if got := testutil.ToFloat64(m.repairs.WithLabelValues("Secret", "edited", "made")); got != 1 {
		t.Errorf("%v repairs", got)
	}
	m.Leading(false)
	if got := testutil.ToFloat64(m.leader); got != 0 {
		t.Errorf("a replica that does not lead any more shows %v", got)
	}
}
