// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// calls returns how many reviews of pods the webhook has answered, as its metrics
// say.
func (w *world) calls(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.product.Metrics, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", w.product.Metrics, err)
	}
	total := 0.0
	for _, metric := range families["serviceconnector_admissions_total"].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "endpoint" && label.GetValue() == "pods" {
				total += metric.GetCounter().GetValue()
			}
		}
	}
	return int(total), nil
}
