// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServiceHosts(t *testing.T) {
	want := []string{
		"service-connector.sc-system.svc",
		"service-connector.sc-system.svc.cluster.local",
		"service-connector.sc-system",
		"service-connector",
	}
	if diff := cmp.Diff(want, ServiceHosts("service-connector", "sc-system")); diff != "" {
		t.Error(diff)
	}
}

func mint(t *testing.T, now time.Time, life time.Duration) authority {
	t.Helper()
	a, err := newAuthority(now, life)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A leaf must be accepted by machines whose clock is an hour off either way,
// for every name and address, as a server and as nothing else.
func TestIssue(t *testing.T) {
	now := newClock().Now()
	ca := mint(t, now, 365*24*time.Hour)
	leaf, err := ca.issue([]string{"a.b.svc", "10.0.0.1", "::1"}, now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(mint(t, now, time.Hour).cert) // same organization, another key
	roots.AddCert(ca.cert)
	tests := map[string]struct {
		host  string
		at    time.Duration
		usage x509.ExtKeyUsage
		ok    bool
	}{
		"name":            {"a.b.svc", 0, x509.ExtKeyUsageServerAuth, true},
		"IPv4":            {"10.0.0.1", 0, x509.ExtKeyUsageServerAuth, true},
		"IPv6":            {"::1", 0, x509.ExtKeyUsageServerAuth, true},
		"an hour behind":  {"a.b.svc", -time.Hour, x509.ExtKeyUsageServerAuth, true},
		"near the end":    {"a.b.svc", 24*time.Hour - time.Minute, x509.ExtKeyUsageServerAuth, true},
		"after the end":   {"a.b.svc", 24*time.Hour + time.Minute, x509.ExtKeyUsageServerAuth, false},
		"before it began": {"a.b.svc", -backdate - time.Minute, x509.ExtKeyUsageServerAuth, false},
		"another name":    {"c.b.svc", 0, x509.ExtKeyUsageServerAuth, false},
		"as a client":     {"a.b.svc", 0, x509.ExtKeyUsageClientAuth, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := leaf.Leaf.Verify(x509.VerifyOptions{
				DNSName: test.host, Roots: roots, CurrentTime: now.Add(test.at), KeyUsages: []x509.ExtKeyUsage{test.usage},
			})
			if (err == nil) != test.ok {
				t.Errorf("got %v, want ok %v", err, test.ok)
			}
		})
	}
	if leaf.Leaf.IsCA || leaf.Leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("got CA %v and key usage %b", leaf.Leaf.IsCA, leaf.Leaf.KeyUsage)
	}
	if !leaf.Leaf.IPAddresses[0].Equal(net.IPv4(10, 0, 0, 1)) {
		t.Errorf("got addresses %v", leaf.Leaf.IPAddresses)
	}
}

// A leaf lives within its authority's life.
func TestIssueWithinLife(t *testing.T) {
	now := newClock().Now()
	ca := mint(t, now, 24*time.Hour)
	for name, at := range map[string]time.Duration{"early": -time.Hour, "at once": 0, "late": 20 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			leaf, err := ca.issue([]string{"a"}, now.Add(at), 24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if leaf.Leaf.NotBefore.Before(ca.cert.NotBefore) || leaf.Leaf.NotAfter.After(ca.cert.NotAfter) {
				t.Errorf("leaf %v to %v, authority %v to %v", leaf.Leaf.NotBefore, leaf.Leaf.NotAfter, ca.cert.NotBefore, ca.cert.NotAfter)
			}
		})
	}
}

func TestIssueWithoutHosts(t *testing.T) {
	now := newClock().Now()
	if _, err := mint(t, now, time.Hour).issue(nil, now, time.Hour); err == nil {
		t.Error("got a certificate for no host")
	}
}

// However short the life, the part before the making does not count.
func TestAged(t *testing.T) {
	now := newClock().Now()
	for name, life := range map[string]time.Duration{"minutes": 3 * time.Minute, "a year": 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			ca := mint(t, now, life)
			if ca.aged(now.Add(life*2/3 - time.Minute)) {
				t.Error("aged too early")
			}
			if !ca.aged(now.Add(life*2/3 + time.Minute)) {
				t.Error("not aged in time")
			}
		})
	}
}
