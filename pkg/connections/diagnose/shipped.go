// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	_ "embed"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// shippedManifest is what the chart makes of its own values: what an installation
// should look like. It is rendered by make generate.
//
//go:embed shipped.yaml
var shippedManifest []byte

func shippedConfiguration() *admissionregistrationv1.MutatingWebhookConfiguration {
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := yaml.Unmarshal(shippedManifest, configuration); err != nil {
		panic(err) // embedded, and a test reads it
	}
	return configuration
}

// sameConditions reports whether two lists of conditions are equal but for
// white space.
func sameConditions(a, b []admissionregistrationv1.MatchCondition) bool {
	return slices.EqualFunc(a, b, func(a, b admissionregistrationv1.MatchCondition) bool {
		return a.Name == b.Name && slices.Equal(strings.Fields(a.Expression), strings.Fields(b.Expression))
	})
}

// coversRules reports whether rules name all that the shipped ones do.
func coversRules(rules, shipped []admissionregistrationv1.RuleWithOperations) bool {
	for _, want := range shipped {
		for _, resource := range want.Resources {
			for _, operation := range want.Operations {
				if !slices.ContainsFunc(rules, func(r admissionregistrationv1.RuleWithOperations) bool {
					return (slices.Contains(r.Resources, resource) || slices.Contains(r.Resources, "*")) &&
						(slices.Contains(r.Operations, operation) || slices.Contains(r.Operations, admissionregistrationv1.OperationAll)) &&
						(slices.Contains(r.APIGroups, want.APIGroups[0]) || slices.Contains(r.APIGroups, "*"))
				}) {
					return false
				}
			}
		}
	}
	return true
}
