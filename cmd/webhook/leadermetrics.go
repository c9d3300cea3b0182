// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/controller"
)

// leaderMetrics are those of what comes after admission. A replica that does not
// lead shows gauges of 0, so that their sum over replicas is that of the leader.
type leaderMetrics struct {
	leader        prometheus.Gauge
	connections   *prometheus.GaugeVec
	objects       *prometheus.GaugeVec
	repairs       *prometheus.CounterVec
	stale         prometheus.Gauge
	halfConnected prometheus.Gauge
	rollouts      *prometheus.CounterVec
	evictions     *prometheus.CounterVec
	linkers       *prometheus.GaugeVec
	failedImports prometheus.Counter
}

var _ controller.Meter = (*leaderMetrics)(nil)

func newLeaderMetrics(registry prometheus.Registerer) *leaderMetrics {
	m := &leaderMetrics{
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "serviceconnector_leader",
			Help: "Whether this replica leads (1), and so does what comes after admission, or not (0).",
		}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "serviceconnector_connections",
			Help: "Connections and ClusterConnections, by whether they are ready (true, false).",
		}, []string{"ready"}),
		objects: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "serviceconnector_objects",
			Help: "Provisioned Secrets and SecretProviderClasses, by state (current, outdated).",
		}, []string{"state"}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "serviceconnector_repairs_total",
			Help: "Provisioned objects that others had deleted or edited, by kind, cause (deleted, edited) and result (made, failed).",
		}, []string{"kind", "cause", "result"}),
		stale: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "serviceconnector_stale_workloads",
			Help: "Workloads whose pods run with earlier values of a connection.",
		}),
		halfConnected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "serviceconnector_half_connected_pods",
			Help: "Running pods that lack a connection which their annotation asks for.",
		}),
		rollouts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "serviceconnector_rollouts_total",
			Help: "Workloads rolled for new values, by result (done, failed, refused).",
		}, []string{"result"}),
		evictions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "serviceconnector_evictions_total",
			Help: "Evictions of pods that lacked a connection, by result (evicted, refused).",
		}, []string{"result"}),
		linkers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "serviceconnector_azure_linkers",
			Help: "Connections that Azure's Service Connector has on the cluster, by state (imported, refused).",
		}, []string{"state"}),
		failedImports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "serviceconnector_azure_failed_imports_total",
			Help: "Imports from Azure that failed and are tried again.",
		}),
	}
	registry.MustRegister(m.leader, m.connections, m.objects, m.repairs, m.stale, m.halfConnected, m.rollouts, m.evictions,
		m.linkers, m.failedImports)
	m.zero()
	return m
}

// zero makes every series there from the start: a rate sees the first event, and
// an alert that none fires is no missing series.
func (m *leaderMetrics) zero() {
	m.Census(0, 0, 0, 0)
	m.Imported(0, 0)
	for _, kind := range kinds() {
		for _, cause := range []string{"deleted", "edited"} {
			m.repairs.WithLabelValues(string(kind), cause, "made")
			m.repairs.WithLabelValues(string(kind), cause, "failed")
		}
	}
	for _, result := range []string{"done", "failed", "refused"} {
		m.rollouts.WithLabelValues(result)
	}
	for _, result := range []string{"evicted", "refused"} {
		m.evictions.WithLabelValues(result)
	}
}

// Leading tells whether this replica leads.
func (m *leaderMetrics) Leading(leads bool) {
	if leads {
		m.leader.Set(1)
		return
	}
	m.leader.Set(0)
}

// Repaired implements controller.Meter, as the methods below do.
func (m *leaderMetrics) Repaired(kind connections.Kind, cause, result string) {
	m.repairs.WithLabelValues(string(kind), cause, result).Inc()
}

// Census tells how many connections and objects there are.
func (m *leaderMetrics) Census(ready, notReady, current, outdated int) {
	m.connections.WithLabelValues("true").Set(float64(ready))
	m.connections.WithLabelValues("false").Set(float64(notReady))
	m.objects.WithLabelValues("current").Set(float64(current))
	m.objects.WithLabelValues("outdated").Set(float64(outdated))
}

// HalfConnected tells how many pods lack connections.
func (m *leaderMetrics) HalfConnected(pods int) { m.halfConnected.Set(float64(pods)) }

// StaleWorkloads tells how many workloads run with earlier values.
func (m *leaderMetrics) StaleWorkloads(workloads int) { m.stale.Set(float64(workloads)) }

// RolledOut counts a roll-out.
func (m *leaderMetrics) RolledOut(result string) { m.rollouts.WithLabelValues(result).Inc() }

// Evicted counts an eviction.
func (m *leaderMetrics) Evicted(result string) { m.evictions.WithLabelValues(result).Inc() }

// Imported implements importer.Meter, as ImportFailed does: it tells how many linkers
// there are, and how many of them are no Connection.
func (m *leaderMetrics) Imported(linkers, problems int) {
	m.linkers.WithLabelValues("imported").Set(float64(linkers - problems))
	m.linkers.WithLabelValues("refused").Set(float64(problems))
}

// ImportFailed counts an import that failed.
func (m *leaderMetrics) ImportFailed() { m.failedImports.Inc() }
