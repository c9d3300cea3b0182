// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"serviceconnector.dev/test/cluster"
)

// testTimeout bounds each wait for a condition.
const testTimeout = time.Minute

func TestCertManager(t *testing.T) {
	c, err := cluster.Start(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	m, err := Start(t.Context(), c, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(t.Context(), "apply", "-f", "testdata/issuers.yaml"); err != nil {
		t.Fatal(err)
	}

	authority, leaf := issued(t, m, "authority"), issued(t, m, "leaf")
	verify(t, leaf, authority)
	awaitBundle(t, m, authority)

	t.Run("a leaf is renewed, by the same authority", func(t *testing.T) {
		renew(t, m, "leaf")
		renewed := issued(t, m, "leaf")
		if bytes.Equal(renewed, leaf) {
			t.Error("it is the old one")
		}
		verify(t, renewed, authority)
		awaitBundle(t, m, authority)
	})
	t.Run("an authority is renewed, and with the next leaf its bundle", func(t *testing.T) {
		renew(t, m, "authority")
		second := issued(t, m, "authority")
		if bytes.Equal(second, authority) {
			t.Error("it is the old one")
		}
		renew(t, m, "leaf")
		verify(t, issued(t, m, "leaf"), second)
		// cainjector keeps the old authority beside the new one.
		awaitBundle(t, m, authority, second)
	})
	t.Run("a Certificate that is not there", func(t *testing.T) {
		if err := m.Renew(t.Context(), "default", "nobody"); err == nil {
			t.Error("it was renewed")
		}
	})
}

func issued(t *testing.T, m *CertManager, secret string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	certificate, err := m.Issued(ctx, "default", secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func renew(t *testing.T, m *CertManager, certificate string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := m.Renew(ctx, "default", certificate); err != nil {
		t.Fatal(err)
	}
}

// verify checks that an authority has signed a leaf for the webhook's name.
func verify(t *testing.T, leaf, authority []byte) {
	t.Helper()
	roots := x509.NewCertPool()
	block, _ := pem.Decode(leaf)
	if block == nil || !roots.AppendCertsFromPEM(authority) {
		t.Fatal("there is no certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "webhook.default.svc"}); err != nil {
		t.Error(err)
	}
}

// awaitBundle waits until cainjector has written exactly these authorities.
func awaitBundle(t *testing.T, m *CertManager, want ...[]byte) {
	t.Helper()
	var last []string
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, testTimeout, true, func(ctx context.Context) (bool, error) {
		found, err := m.clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, "injected", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		last = certificatesIn(found.Webhooks[0].ClientConfig.CABundle)
		return slices.Equal(last, certificatesIn(slices.Concat(want...))), nil
	})
	if err != nil {
		t.Errorf("waiting for the caBundle: %v; it has %d certificates", err, len(last))
	}
}

// certificatesIn returns the certificates of a PEM text, sorted.
func certificatesIn(text []byte) []string {
	var all []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, string(block.Bytes))
	}
	slices.Sort(all)
	return all
}
