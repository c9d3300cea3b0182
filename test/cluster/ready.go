// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// etcdHealth returns the test whether the etcd at a URL serves.
func etcdHealth(k *pki) (func(ctx context.Context, url string) error, error) {
	admin := k.clients[userAdmin]
	certificate, err := tls.X509KeyPair(admin.certificate, admin.key)
	if err != nil {
		return nil, fmt.Errorf("reading etcd's client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(k.ca)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
		DisableKeepAlives: true,
	}}
	return func(ctx context.Context, url string) error {
		return expectOK(ctx, client, url+"/health")
	}, nil
}

// apiServerReady tests whether the API server says that it is ready.
func (c *Cluster) apiServerReady(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return expectOK(ctx, client, c.URL+"/readyz")
}

// namespaceReady tests whether pods can be created in the namespace "default":
// the API server refuses them until the service account is there.
func (c *Cluster) namespaceReady(ctx context.Context) error {
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if _, err := clientset.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{}); err != nil {
		return err
	}
	_, err = clientset.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

func expectOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", url, response.Status, complaint(string(body)))
	}
	return nil
}

// complaint shortens the API server's list of checks to those that fail, and any
// other text to its first line.
func complaint(body string) string {
	var failing []string
	for line := range strings.Lines(body) {
		if check, ok := strings.CutPrefix(line, "[-]"); ok {
			failing = append(failing, strings.TrimSpace(check))
		}
	}
	if len(failing) > 0 {
		return strings.Join(failing, "; ")
	}
	first, _, _ := strings.Cut(body, "\n")
	return first
}
