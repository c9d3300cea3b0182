// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"serviceconnector.dev/test/certmanager"
	"serviceconnector.dev/test/product"
)

// The certificates that the webhook makes by itself are exchanged while pods are
// created: the leaf because its time comes, the authority on request.
func TestOwnCertificates(t *testing.T) {
	t.Cleanup(func() { restore(t) })
	install(t, "extraArgs={--certificate-lifetime=45s,--ca-settle=5s}")
	pods, before := startTraffic(t), served(t)
	awaitExchange(t, before, func(now *x509.Certificate) bool { return now.SerialNumber.Cmp(before.SerialNumber) != 0 })
	pods.end().wantNoneRefused(t)
	record("own certificates: leaf renewed by both replicas", "%s", pods)

	pods, before = startTraffic(t), served(t)
	if _, err := kubectl(t.Context(), "-n", product.Namespace, "annotate", "secret", "service-connector-ca", "serviceconnector.dev/rotate=now"); err != nil {
		t.Fatal(err)
	}
	awaitExchange(t, before, func(now *x509.Certificate) bool { return string(now.AuthorityKeyId) != string(before.AuthorityKeyId) })
	pods.end().wantNoneRefused(t)
	record("own certificates: new authority", "%s", pods)
}

// cert-manager issues instead, and its cainjector publishes. Both exchanges go
// by unnoticed, too.
func TestCertManager(t *testing.T) {
	t.Cleanup(func() { restore(t) })
	manager, err := certmanager.Start(t.Context(), machine.Cluster, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	pods := startTraffic(t)
	install(t, "certificates.certManager.enabled=true")
	pods.end().wantNoneWithout(t)
	record("cert-manager: takes over from own certificates", "%s", pods)

	for _, exchange := range []struct{ certificate, what string }{
		{"service-connector-serving", "certificate renewed"},
		{"service-connector-ca", "authority renewed, then the certificate"},
	} {
		pods, before := startTraffic(t), served(t)
		if err := manager.Renew(t.Context(), product.Namespace, exchange.certificate); err != nil {
			t.Fatal(err)
		}
		if exchange.certificate != "service-connector-serving" {
			if err := manager.Renew(t.Context(), product.Namespace, "service-connector-serving"); err != nil {
				t.Fatal(err)
			}
		}
		awaitExchange(t, before, func(now *x509.Certificate) bool { return now.SerialNumber.Cmp(before.SerialNumber) != 0 })
		pods.end().wantNoneRefused(t)
		record("cert-manager: "+exchange.what, "%s", pods)
	}
}

// install installs the chart with these values.
func install(t *testing.T, values ...string) {
	t.Helper()
	if err := current.install(t.Context(), values...); err != nil {
		t.Fatal(err)
	}
	if err := settled(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
}

// awaitExchange waits until each replica serves a certificate that is new, in
// more than one look: pods are created for a while under it.
func awaitExchange(t *testing.T, before *x509.Certificate, isNew func(now *x509.Certificate) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		pods, err := replicas(ctx)
		if err != nil || len(pods) != 2 {
			return false, nil
		}
		for _, pod := range pods {
			now, err := servedBy(ctx, pod.Status.PodIP)
			if err != nil || !isNew(now) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatalf("the certificate of %s is not exchanged: %v", before.NotBefore, err)
	}
}

// served returns the certificate that the first replica serves.
func served(t *testing.T) *x509.Certificate {
	t.Helper()
	pods, err := replicas(t.Context())
	if err != nil || len(pods) == 0 {
		t.Fatalf("%d replicas, %v", len(pods), err)
	}
	certificate, err := servedBy(t.Context(), pods[0].Status.PodIP)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// servedBy looks at the certificate of a replica. Whether it is good is what the
// API server judges.
func servedBy(ctx context.Context, address string) (*x509.Certificate, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is looked at, nothing is sent
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, "9443"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	state, ok := connection.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is no TLS connection", connection)
	}
	return state.ConnectionState().PeerCertificates[0], nil
}
