// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func secretOf(t *testing.T, r ring) *corev1.Secret {
	t.Helper()
	secret, err := writeRing(r, Options{Namespace: namespace, Secret: secretName}.newSecret())
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestSecretRoundTrip(t *testing.T) {
	s := newCast(t)
	tests := map[string]struct {
		ring ring
		keys []string
	}{
		"one":             {ring{authorities: []authority{s.a}}, []string{"ca.crt", "tls.crt", "tls.key"}},
		"two":             {ring{[]authority{s.b, s.a}, s.now}, []string{"ca.crt", "previous.crt", "previous.key", "tls.crt", "tls.key"}},
		"a key less":      {ring{[]authority{s.b, s.aPublic, s.c}, s.now}, []string{"ca.crt", "previous.crt", "previous.key", "tls.crt", "tls.key"}},
		"no previous key": {ring{[]authority{s.b, s.aPublic}, s.now}, []string{"ca.crt", "previous.crt", "tls.crt", "tls.key"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secret := secretOf(t, test.ring)
			if diff := cmp.Diff(test.keys, keysOf(secret)); diff != "" {
				t.Error(diff)
			}
			if secret.Labels["app.kubernetes.io/managed-by"] != "service-connector" {
				t.Errorf("got labels %v", secret.Labels)
			}
			got, err := readRing(secret)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.describe(test.ring.authorities...), s.describe(got.authorities...)); diff != "" {
				t.Error(diff)
			}
			if !got.replaced.Equal(test.ring.replaced) {
				t.Errorf("got replaced %v, want %v", got.replaced, test.ring.replaced)
			}
			if roots := x509.NewCertPool(); !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
				t.Error("ca.crt holds no certificate")
			}
			if diff := cmp.Diff(secret, secretOf(t, got)); diff != "" {
				t.Error("written again it differs")
			}
		})
	}
}

func keysOf(secret *corev1.Secret) (keys []string) {
	for _, key := range []string{"ca.crt", "previous.crt", "previous.key", "tls.crt", "tls.key", "else"} {
		if _, ok := secret.Data[key]; ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// What is unusable is told by its key, and never quoted.
func TestReadUnusable(t *testing.T) {
	s := newCast(t)
	other := secretOf(t, ring{authorities: []authority{s.c}})
	leaf, err := s.a.issue([]string{"a"}, s.now, day)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(data map[string][]byte)
		want   string
		ring   []string
	}{
		"no data":         {func(d map[string][]byte) { clear(d) }, "tls.crt: 0 certificates where one is expected", nil},
		"no key":          {func(d map[string][]byte) { delete(d, "tls.key") }, "tls.key: 0 keys where one is expected", nil},
		"garbage":         {func(d map[string][]byte) { d["tls.crt"] = []byte("garbage") }, `tls.crt: no PEM block of type "CERTIFICATE" where one is expected`, nil},
		"broken":          {func(d map[string][]byte) { d["tls.crt"] = brokenPEM(d["tls.crt"]) }, `tls.crt: a PEM block of type "CERTIFICATE" is unreadable`, nil},
		"key as the cert": {func(d map[string][]byte) { d["tls.crt"] = d["tls.key"] }, `tls.crt: no PEM block of type "CERTIFICATE" where one is expected`, nil},
		"broken key":      {func(d map[string][]byte) { d["tls.key"] = brokenPEM(d["tls.key"]) }, `tls.key: a PEM block of type "PRIVATE KEY" is unreadable`, nil},
		"another key":     {func(d map[string][]byte) { d["tls.key"] = other.Data["tls.key"] }, "tls.key does not belong to tls.crt", nil},
		"two":             {func(d map[string][]byte) { d["tls.crt"] = d["ca.crt"] }, "tls.crt: 2 certificates where one is expected", nil},
		"no authority":    {func(d map[string][]byte) { d["tls.crt"] = encodeCertificates(leaf.Leaf) }, "tls.crt: not the certificate of an authority", nil},
		"previous": {func(d map[string][]byte) { d["previous.crt"] = []byte("garbage") },
			`previous.crt: no PEM block of type "CERTIFICATE" where one is expected`, []string{"b"}},
		"previous key": {func(d map[string][]byte) { d["previous.key"] = []byte("garbage") },
			`previous.key: no PEM block of type "PRIVATE KEY" where one is expected`, []string{"b", "a without key"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secret := secretOf(t, ring{[]authority{s.b, s.a}, s.now})
			test.change(secret.Data)
			got, err := readRing(secret)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if diff := cmp.Diff(test.ring, s.describe(got.authorities...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// brokenPEM keeps the armour and breaks what is in it.
func brokenPEM(text []byte) []byte {
	return []byte(strings.Replace(string(text), "\nM", "\nA", 1))
}

// An unreadable date starts the time anew rather than ending the overlap.
func TestReadUndated(t *testing.T) {
	s := newCast(t)
	secret := secretOf(t, ring{[]authority{s.b, s.a}, s.now})
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, ReplacedAtAnnotation, "yesterday")
	got, err := readRing(secret)
	if err != nil || !got.replaced.IsZero() {
		t.Errorf("got %v, %v", got.replaced, err)
	}
}
