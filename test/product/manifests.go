// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package product

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// manifest is what is installed, rendered from the chart.
const manifest = "manifests/install.yaml"

// apply applies the manifest without the Deployment, in whose stead a process
// runs, and with URLs of that process in the webhook configuration.
func (p *Product) apply(ctx context.Context, root string) error {
	raw, err := os.ReadFile(filepath.Join(root, manifest))
	if err != nil {
		return err
	}
	adapted, err := p.adapt(raw)
	if err != nil {
		return fmt.Errorf("reading %s: %w", manifest, err)
	}
	path := filepath.Join(p.Cluster.Dir, "install.yaml")
	if err := os.WriteFile(path, adapted, 0o600); err != nil {
		return err
	}
	_, err = p.Cluster.Kubectl(ctx, "apply", "--server-side", "-f", path)
	return err
}

func (p *Product) adapt(manifest []byte) ([]byte, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var adapted bytes.Buffer
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return adapted.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		var object metav1.TypeMeta
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, err
		}
		switch object.Kind {
		case "Deployment":
			continue
		case "MutatingWebhookConfiguration":
			if document, err = p.withURLs(document); err != nil {
				return nil, err
			}
		}
		adapted.WriteString("---\n")
		adapted.Write(document)
	}
}

// withURLs replaces the Service of each webhook by a URL. Nothing else is
// changed.
func (p *Product) withURLs(document []byte) ([]byte, error) {
	var configuration admissionregistrationv1.MutatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(document, &configuration); err != nil {
		return nil, err
	}
	for i := range configuration.Webhooks {
		client := &configuration.Webhooks[i].ClientConfig
		client.URL = new(p.URL + *client.Service.Path)
		client.Service = nil
	}
	return yaml.Marshal(configuration)
}
