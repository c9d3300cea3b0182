// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Follower serves a certificate that somebody else issues into a Secret, as
// cert-manager does, and publishes, as its cainjector does. It writes nothing. Make
// one with NewFollower.
//
// A new certificate is served within Options.Interval. One that the live caBundle
// does not accept is left aside while the one in use is still accepted, so that it
// does not matter which of the two is exchanged first.
type Follower struct {
	serving
	options Options
	teller  teller

	leaf    *tls.Certificate
	trusted []*x509.Certificate // what the live caBundle held when last read
}

// NewFollower returns a Follower. Of the options it needs the API, Namespace,
// Secret, Configuration and Hosts, of which the first counts. It serves nothing
// before the first pass of Run or Sync.
func NewFollower(options Options) *Follower {
	o := options.withDefaults()
	f := &Follower{options: o, teller: teller{log: o.Log}, serving: serving{host: o.Hosts[0], now: o.Now}}
	f.set(nil, nil, nil)
	return f
}

// Run makes a pass at once, then after every Interval, until ctx ends. The error
// is always nil: what goes wrong is logged, once, and tried again.
func (f *Follower) Run(ctx context.Context) error {
	ticker := time.NewTicker(f.options.Interval)
	defer ticker.Stop()
	for {
		if err := f.Sync(ctx); ctx.Err() == nil {
			f.teller.tell(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Sync makes one pass: it reads the configuration and the Secret, and chooses
// what to serve.
func (f *Follower) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	err := f.read(ctx)
	f.set(f.leaf, f.trusted, err)
	return err
}

func (f *Follower) read(ctx context.Context) error {
	o := f.options
	configuration, err := o.readConfiguration(ctx)
	if err != nil {
		return err
	}
	f.trusted = nil
	if configuration != nil {
		f.trusted = trusted(configuration)
	}
	secret, err := o.readSecret(ctx)
	if err != nil {
		return err
	}
	if secret == nil {
		return fmt.Errorf("%w: Secret %s is absent; cert-manager makes it when its Certificate is issued", errWaiting, o.secretName())
	}
	issued, err := readIssued(secret)
	if err != nil {
		return fmt.Errorf("reading the certificate in Secret %s: %w", o.secretName(), err)
	}
	return f.choose(issued)
}

// choose takes a certificate over, unless only the one in use is accepted.
func (f *Follower) choose(issued *tls.Certificate) error {
	if f.leaf != nil && f.leaf.Leaf.Equal(issued.Leaf) {
		return nil
	}
	roots, now := pool(f.trusted), f.now()
	if err := accepted(issued, f.host, roots, now); err != nil && f.leaf != nil && accepted(f.leaf, f.host, roots, now) == nil {
		return fmt.Errorf("%w: the certificate in Secret %s is not accepted under the caBundle of MutatingWebhookConfiguration %q yet, the one in use is: %w",
			errWaiting, f.options.secretName(), f.options.Configuration, err)
	}
	f.leaf = issued
	f.options.Log.Info("serving certificate taken over",
		"secret", f.options.secretName(), "serial", issued.Leaf.SerialNumber.Text(16), "notAfter", issued.Leaf.NotAfter)
	return nil
}

// readIssued reads a pair that is valid as such. Its error never quotes the key.
func readIssued(secret *corev1.Secret) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, err
	}
	return &pair, nil
}
