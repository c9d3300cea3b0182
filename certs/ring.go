// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"slices"
	"time"
)

// ring is what the Secret holds: the authorities that are trusted.
type ring struct {
	authorities []authority // the current one first, then the earlier ones
	replaced    time.Time   // when the last earlier one came to be one
}

func (r ring) empty() bool { return len(r.authorities) == 0 }

// current returns the authority that all replicas are to sign with.
func (r ring) current() authority {
	if r.empty() {
		return authority{}
	}
	return r.authorities[0]
}

// has says whether the ring has this authority and, where this one has its key,
// has the key too.
func (r ring) has(a authority) bool {
	return slices.ContainsFunc(r.authorities, func(b authority) bool {
		return b.is(a) && (b.key != nil || a.key == nil)
	})
}

// with adds an earlier authority, or the key of one that had none.
func (r ring) with(a authority, now time.Time) ring {
	i := slices.IndexFunc(r.authorities, a.is)
	if i < 0 {
		return ring{append(slices.Clone(r.authorities), a), now}
	}
	r.authorities = slices.Clone(r.authorities)
	r.authorities[i] = a
	return r
}

// before makes the authority the current one; those of the ring that have not
// expired become earlier ones.
func (r ring) before(current authority, now time.Time) ring {
	return ring{append([]authority{current}, unexpired(r.authorities, now)...), now}
}

func unexpired(all []authority, now time.Time) []authority {
	return slices.DeleteFunc(slices.Clone(all), func(a authority) bool { return a.expired(now) })
}

func (r ring) certificates() []*x509.Certificate {
	certs := make([]*x509.Certificate, 0, len(r.authorities))
	for _, a := range r.authorities {
		certs = append(certs, a.cert)
	}
	return certs
}

// bundle returns what is published. It depends on nothing but the ring, so that
// replicas whose clocks differ publish the same.
func (r ring) bundle() []byte { return encodeCertificates(r.certificates()...) }

// sightings says for how long each certificate has been seen in the live
// caBundle without a break.
type sightings struct {
	certs []*x509.Certificate // what the last look saw
	at    time.Time           // when that was; zero after a look that failed
	seen  map[string]time.Duration
}

// look returns the sightings after another look.
func (s sightings) look(certs []*x509.Certificate, now time.Time) sightings {
	var gap time.Duration
	if !s.at.IsZero() {
		gap = max(0, now.Sub(s.at))
	}
	seen := make(map[string]time.Duration, len(certs))
	for _, cert := range certs {
		key := string(cert.Raw)
		seen[key] = 0
		if before, ok := s.seen[key]; ok {
			seen[key] = before + gap
		}
	}
	return sightings{certs, now, seen}
}

// blind returns the sightings after a look that failed. The time around it does
// not count: API servers may have heard no more than we have.
func (s sightings) blind() sightings {
	s.at = time.Time{}
	return s
}

func (s sightings) sees(a authority) bool {
	_, ok := s.seen[string(a.cert.Raw)]
	return ok
}

// length returns for how long the authority has been seen, -1 for one that was
// not there at the last look.
func (s sightings) length(a authority) time.Duration {
	if !s.sees(a) {
		return -1
	}
	return s.seen[string(a.cert.Raw)]
}
