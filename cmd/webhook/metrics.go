// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/pkg/mutate/admission"
)

// metrics are the product's own, with bounded labels: no namespace, no name.
type metrics struct {
	admissions *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	provisions *prometheus.CounterVec
}

// newMetrics registers the metrics. notAfter returns when the serving
// certificate expires, the zero time for none.
func newMetrics(registry prometheus.Registerer, notAfter func() time.Time) *metrics {
	m := &metrics{
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "serviceconnector_admissions_total",
			Help: "Admission reviews answered, by endpoint (pods, workloads), result (allowed, denied, error, panic) and reason.",
		}, []string{"endpoint", "result", "reason"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "serviceconnector_admission_duration_seconds",
			Help:    "Time to answer an admission review, by endpoint.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"endpoint"}),
		provisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "serviceconnector_provisions_total",
			Help: "Objects provisioned, by kind and result (made, failed).",
		}, []string{"kind", "result"}),
	}
	expiry := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "serviceconnector_certificate_expiry_timestamp_seconds",
		Help: "When the serving certificate expires, in seconds since 1970; 0 while there is none.",
	}, func() float64 {
		if t := notAfter(); !t.IsZero() {
			return float64(t.Unix())
		}
		return 0
	})
	registry.MustRegister(m.admissions, m.durations, m.provisions, expiry)
	m.zero()
	return m
}

// zero makes the series that alerts ask for from the start, so that a rate sees
// the first refusal or failure, on whichever replica that is.
func (m *metrics) zero() {
	for _, reason := range mutate.Reasons() {
		m.admissions.WithLabelValues("pods", "denied", string(reason)) // workloads are never denied
	}
	for _, endpoint := range []string{"pods", "workloads"} {
		for result, reasons := range admission.Failures() {
			for _, reason := range reasons {
				m.admissions.WithLabelValues(endpoint, result, string(reason))
			}
		}
	}
	for _, kind := range kinds() {
		m.provisions.WithLabelValues(string(kind), "made")
		m.provisions.WithLabelValues(string(kind), "failed")
	}
}

// kinds are those of provisioned objects.
func kinds() []connections.Kind {
	return []connections.Kind{connections.KindSecret, connections.KindServiceAccount, connections.KindProviderClass}
}

// Admitted counts one admission.
func (m *metrics) Admitted(_ context.Context, endpoint, result string, reason mutate.Reason, took time.Duration) {
	m.admissions.WithLabelValues(endpoint, result, string(reason)).Inc()
	m.durations.WithLabelValues(endpoint).Observe(took.Seconds())
}

// Provisioned counts one object written, or not.
func (m *metrics) Provisioned(kind connections.Kind, result string) {
	m.provisions.WithLabelValues(string(kind), result).Inc()
}
