// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// serving is what a replica serves, for readers. A pass replaces it as a whole.
type serving struct {
	host    string // that Check tries
	now     func() time.Time
	current atomic.Pointer[state]
}

// state is what readers see of the last pass.
type state struct {
	leaf    *tls.Certificate // nil: none yet
	roots   *x509.CertPool   // what the live caBundle held when last read
	problem error            // of the last pass
}

func (s *serving) set(leaf *tls.Certificate, trusted []*x509.Certificate, problem error) {
	s.current.Store(&state{leaf: leaf, roots: pool(trusted), problem: problem})
}

// GetCertificate returns the leaf, for tls.Config.
func (s *serving) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if leaf := s.current.Load().leaf; leaf != nil {
		return leaf, nil
	}
	return nil, errors.New("there is no serving certificate yet; the readiness check says why")
}

// NotAfter returns when the leaf ends, the zero time while there is none.
func (s *serving) NotAfter() time.Time {
	if leaf := s.current.Load().leaf; leaf != nil {
		return leaf.Leaf.NotAfter
	}
	return time.Time{}
}

// Check returns nil while an API server that calls us would accept the leaf: it
// is valid now and signed by an authority in the caBundle that was last read.
//
// How long ago that was does not matter. When the API does not answer, what was
// last read is the best that anybody knows, and turning all replicas unready for
// it would make an outage of the API one of admission too. A leaf that nobody
// renews fails here by its own end.
func (s *serving) Check() error {
	current := s.current.Load()
	if current.leaf == nil {
		return because(errors.New("there is no serving certificate yet"), current.problem)
	}
	if err := accepted(current.leaf, s.host, current.roots, s.now()); err != nil {
		return because(fmt.Errorf("the API server would not accept the serving certificate of %s: %w", s.host, err), current.problem)
	}
	return nil
}

// accepted returns nil if a client that calls a host and trusts roots would
// accept a certificate.
func accepted(certificate *tls.Certificate, host string, roots *x509.CertPool, now time.Time) error {
	intermediates := x509.NewCertPool()
	for _, raw := range certificate.Certificate[1:] {
		if cert, err := x509.ParseCertificate(raw); err == nil {
			intermediates.AddCert(cert)
		}
	}
	_, err := certificate.Leaf.Verify(x509.VerifyOptions{
		DNSName:       host,
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	roots := x509.NewCertPool()
	for _, cert := range certs {
		roots.AddCert(cert)
	}
	return roots
}

// because adds the last pass's problem, which is usually the reason and says
// what to do. Without one, the next pass repairs.
func because(err, problem error) error {
	if problem == nil {
		return fmt.Errorf("%w; the next pass repairs it", err)
	}
	return fmt.Errorf("%w: %w", err, problem)
}
