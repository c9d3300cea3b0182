// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"time"
)

// backdate is how far certificates reach into the past, so that a machine whose
// clock is an hour behind accepts a fresh one.
const backdate = 2 * time.Hour

// organization marks the subject of every authority made here.
const organization = "serviceconnector.dev"

// authority is a certificate authority. Without a key it is trusted, but signs
// nothing.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes an authority that lives from now on. Its name carries the
// moment, for people who compare two.
func newAuthority(now time.Time, life time.Duration) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("making the authority's key: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   "service-connector CA " + now.UTC().Format(time.RFC3339),
		},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, key.Public(), key)
	return authority{cert: cert, key: key}, err
}

// issue signs a serving certificate. It is not valid outside of the authority's
// own life.
func (a authority) issue(hosts []string, now time.Time, life time.Duration) (*tls.Certificate, error) {
	if len(hosts) == 0 {
		return nil, errors.New("signing a serving certificate: no host to make it out to; set Options.Hosts")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the serving certificate's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{organization}, CommonName: "service-connector"},
		NotBefore:   later(now.Add(-backdate), a.cert.NotBefore),
		NotAfter:    earlier(now.Add(life), a.cert.NotAfter),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	cert, err := sign(template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// none says that there is no authority.
func (a authority) none() bool { return a.cert == nil }

// is says whether both are the same authority, with its key or without.
func (a authority) is(b authority) bool {
	return a.cert != nil && b.cert != nil && a.cert.Equal(b.cert)
}

func (a authority) expired(now time.Time) bool { return now.After(a.cert.NotAfter) }

// aged says whether two thirds of the life are over, the part that lies before
// the authority was made not counted.
func (a authority) aged(now time.Time) bool {
	return spent(a.cert.NotBefore.Add(backdate), a.cert.NotAfter, now)
}

// spent says whether two thirds of the time between two moments are over.
func spent(from, to, now time.Time) bool {
	return !now.Before(from.Add(to.Sub(from) * 2 / 3))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
