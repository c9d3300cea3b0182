// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/pkg/mutate/admission"
)

// tracing sends a span for every admission, under the one that the API server says
// by the header traceparent, and below it one for every request that the admission
// needed. nil traces nothing, and costs nothing.
type tracing struct{ provider *sdktrace.TracerProvider }

// flushTime bounds how long the last spans may take to be sent.
const flushTime = 3 * time.Second

// startTracing returns nil for no endpoint.
func startTracing(ctx context.Context, endpoint string) (*tracing, error) {
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("starting traces: %w", err)
	}
	self, err := resource.New(ctx, resource.WithFromEnv(), resource.WithAttributes(
		attribute.String("service.name", "service-connector"), attribute.String("service.version", version)))
	if err != nil {
		return nil, fmt.Errorf("starting traces: %w", err)
	}
	return &tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(self))}, nil
}

// stop sends what has not been sent.
func (t *tracing) stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what cannot be sent now never will
}

func (t *tracing) options() []otelhttp.Option {
	return []otelhttp.Option{otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{})}
}

// handler makes a span of every request.
func (t *tracing) handler(name string, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, name, t.options()...)
}

// transport makes a span of every request that is part of another.
func (t *tracing) transport(next http.RoundTripper) http.RoundTripper {
	if t == nil {
		return next
	}
	part := func(r *http.Request) bool { return trace.SpanContextFromContext(r.Context()).IsValid() }
	return otelhttp.NewTransport(next, append(t.options(), otelhttp.WithFilter(part),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))...)
}

// observer has the spans of admissions say how they ended.
func (t *tracing) observer(next admission.Observer) admission.Observer {
	if t == nil {
		return next
	}
	return described{next}
}

type described struct{ admission.Observer }

// Admitted implements admission.Observer.
func (d described) Admitted(ctx context.Context, endpoint, result string, reason mutate.Reason, took time.Duration) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("serviceconnector.result", result), attribute.String("serviceconnector.reason", string(reason)))
	d.Observer.Admitted(ctx, endpoint, result, reason, took)
}
