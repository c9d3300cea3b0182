// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	keysTimeout = 10 * time.Second
	maxKeys     = 1 << 20
)

// keys returns what finds the keys of issuers. Whichever issuer it is, they are
// those of the one cluster.
func (s settings) keys() (func(context.Context, string) ([]byte, error), error) {
	switch {
	case s.jwks != "":
		if _, err := os.Stat(s.jwks); err != nil {
			return nil, err
		}
		return func(context.Context, string) ([]byte, error) { return os.ReadFile(s.jwks) }, nil
	case s.jwksURL != "":
		client, err := trusting(s.jwksCA)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, _ string) ([]byte, error) { return fetch(ctx, client, s.jwksURL) }, nil
	}
	return nil, nil
}

// trusting returns a client that trusts the authorities of a file, or those of
// the system.
func trusting(file string) (*http.Client, error) {
	client := &http.Client{Timeout: keysTimeout}
	if file == "" {
		return client, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return client, nil
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxKeys))
}
