// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// state is what readers see of the last pass.
type state struct {
	leaf    *tls.Certificate // nil: none yet
	roots   *x509.CertPool   // what the live caBundle held when last read
	problem error            // of the last pass
}

func (k *Keeper) state(problem error) *state {
	roots := x509.NewCertPool()
	for _, cert := range k.seen.certs {
		roots.AddCert(cert)
	}
	return &state{leaf: k.leaf, roots: roots, problem: problem}
}

// GetCertificate returns the leaf, for tls.Config.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if leaf := k.current.Load().leaf; leaf != nil {
		return leaf, nil
	}
	return nil, errors.New("there is no serving certificate yet; the readiness check says why")
}

// NotAfter returns when the leaf ends, the zero time while there is none.
func (k *Keeper) NotAfter() time.Time {
	if leaf := k.current.Load().leaf; leaf != nil {
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
func (k *Keeper) Check() error {
	s := k.current.Load()
	if s.leaf == nil {
		return because(errors.New("there is no serving certificate yet"), s.problem)
	}
	_, err := s.leaf.Leaf.Verify(x509.VerifyOptions{
		DNSName:     k.options.Hosts[0],
		Roots:       s.roots,
		CurrentTime: k.options.Now(),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil {
		return nil
	}
	return because(fmt.Errorf("the API server would not accept the serving certificate of %s: %w", k.options.Hosts[0], err), s.problem)
}

// because adds the last pass's problem, which is usually the reason and says
// what to do. Without one, the next pass repairs.
func because(err, problem error) error {
	if problem == nil {
		return fmt.Errorf("%w; the next pass repairs it", err)
	}
	return fmt.Errorf("%w: %w", err, problem)
}
