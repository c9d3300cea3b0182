// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// issuer does by hand what cert-manager and its cainjector do.
type issuer struct {
	*api
	clock *clock
}

func (i issuer) authority() authority {
	i.t.Helper()
	made, err := newAuthority(i.clock.Now(), 365*day)
	if err != nil {
		i.t.Fatal(err)
	}
	return made
}

// issue writes a new certificate under an authority and returns it as PEM.
func (i issuer) issue(under authority) string {
	i.t.Helper()
	leaf, err := under.issue(ServiceHosts("service-connector", namespace), i.clock.Now(), 90*day)
	if err != nil {
		i.t.Fatal(err)
	}
	signer, ok := leaf.PrivateKey.(crypto.Signer)
	if !ok {
		i.t.Fatalf("a key of type %T", leaf.PrivateKey)
	}
	key, err := encodeKey(signer)
	if err != nil {
		i.t.Fatal(err)
	}
	i.store(map[string][]byte{corev1.TLSCertKey: encodeCertificates(leaf.Leaf), corev1.TLSPrivateKeyKey: key})
	return string(encodeCertificates(leaf.Leaf))
}

func (i issuer) store(data map[string][]byte) {
	i.t.Helper()
	secrets := i.CoreV1().Secrets(namespace)
	err := secrets.Delete(i.t.Context(), secretName, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		i.t.Fatal(err)
	}
	_, err = secrets.Create(i.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secretName}, Type: corev1.SecretTypeTLS, Data: data,
	}, metav1.CreateOptions{})
	if err != nil {
		i.t.Fatal(err)
	}
}

func (i issuer) publish(a authority) {
	bundle := encodeCertificates(a.cert)
	i.setBundle(bundle, bundle)
}

func newIssuer(t *testing.T) (issuer, *Follower) {
	t.Helper()
	i := issuer{newAPI(t, webhookConfiguration()), newClock()}
	return i, NewFollower(Options{
		Secrets: secretsGetter{i.api}, Configurations: configurationsGetter{i.api},
		Namespace: namespace, Secret: secretName, Configuration: configuration,
		Hosts: ServiceHosts("service-connector", namespace), Now: i.clock.Now,
	})
}

// checkServes compares what is served, "" for nothing that an API server accepts.
func checkServes(t *testing.T, f *Follower, want string) {
	t.Helper()
	if err := f.Check(); (err == nil) != (want != "") {
		t.Errorf("check: %v", err)
	}
	leaf, err := f.GetCertificate(nil)
	if want != "" && (err != nil || string(encodeCertificates(leaf.Leaf)) != want) {
		t.Errorf("another certificate is served, %v", err)
	}
}

func TestFollowerWaitsForTheIssuer(t *testing.T) {
	i, f := newIssuer(t)
	checkServes(t, f, "")
	if err := f.Sync(t.Context()); !errors.Is(err, errWaiting) || !strings.Contains(err.Error(), "sc-system/service-connector-ca is absent") {
		t.Errorf("got %v", err)
	}
	ca := i.authority()
	leaf := i.issue(ca)
	if err := f.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	checkServes(t, f, "") // nothing is published yet
	i.publish(ca)
	if err := f.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	checkServes(t, f, leaf)
	if want := i.clock.Now().Add(90 * day); !f.NotAfter().Equal(want) {
		t.Errorf("ends %v, want %v", f.NotAfter(), want)
	}
	if len(i.writes) > 0 {
		t.Errorf("wrote %v", i.writes)
	}
}

// following returns a Follower that serves a certificate under ca.
func following(t *testing.T) (i issuer, f *Follower, ca authority, leaf string) {
	t.Helper()
	i, f = newIssuer(t)
	ca = i.authority()
	leaf = i.issue(ca)
	i.publish(ca)
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkServes(t, f, leaf)
	return i, f, ca, leaf
}

func TestFollowerTakesRenewals(t *testing.T) {
	i, f, ca, _ := following(t)
	i.clock.Move(60 * day)
	renewed := i.issue(ca)
	if err := f.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	checkServes(t, f, renewed)
}

// Whichever of certificate and caBundle comes first, what is served is accepted
// as long as one of the two certificates is.
func TestFollowerKeepsWhatIsAccepted(t *testing.T) {
	i, f, _, leaf := following(t)
	other := i.authority()
	renewed := i.issue(other)
	if err := f.Sync(t.Context()); !errors.Is(err, errWaiting) {
		t.Errorf("got %v", err)
	}
	checkServes(t, f, leaf)
	i.publish(other)
	if err := f.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	checkServes(t, f, renewed)
}

func TestFollowerWithstands(t *testing.T) {
	tests := map[string]struct {
		fault func(issuer)
		says  string
	}{
		"the API away":     {func(i issuer) { i.fail("", errors.New("connection refused")) }, "connection refused"},
		"a Secret deleted": {func(i issuer) { i.deleteSecret() }, "is absent"},
		"a broken pair": {func(i issuer) {
			i.editSecret(func(s *corev1.Secret) { s.Data[corev1.TLSPrivateKeyKey] = []byte("canary-key") })
		}, "reading the certificate in Secret sc-system/service-connector-ca"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			i, f, _, leaf := following(t)
			test.fault(i)
			err := f.Sync(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
			checkServes(t, f, leaf)
		})
	}
}

func TestFollowerRuns(t *testing.T) {
	i, f := newIssuer(t)
	f.options.Interval = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	ca := i.authority()
	i.publish(ca)
	leaf := i.issue(ca)
	for f.Check() != nil && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	checkServes(t, f, leaf)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
