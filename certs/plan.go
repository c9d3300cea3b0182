// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"slices"
	"time"
)

// maxRing is how many authorities there may be for somebody's request for
// another one to be granted. A request beyond waits until an earlier one leaves.
const maxRing = 8

// Why the Secret is written; these words are logged.
const (
	reasonAbsent    = "there was none to use"
	reasonAged      = "two thirds of its life are over"
	reasonRequested = "somebody asked for it"
	reasonMissing   = "an authority still in use was missing"
	reasonOver      = "an earlier authority is no longer needed"
	reasonContent   = "the Secret's content was not as it is kept"
)

// policy holds the durations that decisions depend on.
type policy struct {
	settle time.Duration // from seeing an authority published to signing with it
	leaf   time.Duration // life of a serving certificate
}

// view is what a pass has seen.
type view struct {
	now       time.Time
	stored    ring // what the Secret holds; empty where it is absent or unusable
	requested bool // somebody asked for a new authority
	known     ring // what the Secret held when this replica last saw it
	signer    authority
	seen      sightings
}

// step is what is to be done about the Secret: it is to hold the ring, after a
// new authority where mint is set.
type step struct {
	mint   bool
	ring   ring
	reason string
}

// plan decides what the Secret is to hold.
func (p policy) plan(v view) step {
	if v.stored.empty() {
		return step{mint: true, ring: v.inherited(), reason: reasonAbsent}
	}
	s := step{ring: v.stored, reason: reasonContent}
	if lost := v.signer; !lost.none() && !lost.expired(v.now) && !s.ring.has(lost) {
		s = step{ring: s.ring.with(lost, v.now), reason: reasonMissing}
	}
	before := len(s.ring.authorities)
	if s.ring = p.prune(s.ring, v); len(s.ring.authorities) < before {
		s.reason = reasonOver
	}
	switch {
	case s.ring.current().aged(v.now):
		s.mint, s.reason = true, reasonAged
	case v.requested && len(s.ring.authorities) < maxRing:
		s.mint, s.reason = true, reasonRequested
	}
	return s
}

// inherited returns what must stay trusted although no Secret says so: what
// this replica remembers or, where it has just started, what the live caBundle
// holds of ours. Other replicas may still serve under it, and will add its key.
func (v view) inherited() ring {
	if !v.known.empty() {
		return v.known
	}
	var r ring
	for _, cert := range v.seen.certs {
		if cert.IsCA && slices.Contains(cert.Subject.Organization, organization) {
			r = r.with(authority{cert: cert}, v.now)
		}
	}
	return r
}

// prune drops the earlier authorities that have expired and, when every leaf
// under them has ended, the others. A replica that came late to see the current
// one published waits as long again, since the others may have come later.
func (p policy) prune(r ring, v view) ring {
	current, earlier := r.authorities[:1:1], r.authorities[1:]
	if len(earlier) == 0 {
		return r
	}
	if r.replaced.IsZero() {
		r.replaced = v.now
	}
	ended := !v.now.Before(r.replaced.Add(p.settle + p.leaf))
	if ended && v.seen.length(r.current()) >= 2*p.settle {
		return ring{authorities: current}
	}
	return ring{append(current, unexpired(earlier, v.now)...), r.replaced}
}

// signer decides which authority of the ring to sign with: the newest that has
// been published for long enough, else the one in use. It never goes back to an
// earlier one. None comes back where none can sign.
func (p policy) signer(r ring, inUse authority, seen sightings, now time.Time) authority {
	able := slices.DeleteFunc(unexpired(r.authorities, now), func(a authority) bool { return a.key == nil })
	for _, a := range able {
		if a.is(inUse) || seen.length(a) >= p.settle {
			return a
		}
	}
	if len(able) == 0 {
		return authority{}
	}
	// Nothing in use: this replica has just started. While there are earlier
	// authorities the oldest published one is the safest, unless it may leave
	// before the current one has settled.
	if now.Before(r.replaced.Add(p.leaf)) {
		for _, a := range slices.Backward(able) {
			if seen.sees(a) {
				return a
			}
		}
	}
	return able[0]
}
