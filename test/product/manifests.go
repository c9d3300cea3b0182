// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package product

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// namespaceFirst puts the namespace's manifest ahead of what lies in it.
func namespaceFirst(paths []string) []string {
	slices.SortStableFunc(paths, func(a, b string) int {
		return rank(a) - rank(b)
	})
	return paths
}

func rank(path string) int {
	if filepath.Base(path) == "namespace.yaml" {
		return 0
	}
	return 1
}

// apply applies one manifest, the webhook configuration with URLs.
func (p *Product) apply(ctx context.Context, path string) error {
	if filepath.Base(path) == "webhook.yaml" {
		var err error
		if path, err = p.withURLs(path); err != nil {
			return err
		}
	}
	_, err := p.Cluster.Kubectl(ctx, "apply", "--server-side", "-f", path)
	return err
}

// withURLs writes a copy of the webhook configuration whose clients are URLs of
// this process instead of a Service. Nothing else is changed.
func (p *Product) withURLs(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var configuration admissionregistrationv1.MutatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(raw, &configuration); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	for i := range configuration.Webhooks {
		client := &configuration.Webhooks[i].ClientConfig
		client.URL = new(p.URL + strings.TrimSpace(*client.Service.Path))
		client.Service = nil
	}
	raw, err = yaml.Marshal(configuration)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(p.Cluster.Dir, "webhook.yaml")
	return copied, os.WriteFile(copied, raw, 0o600)
}
