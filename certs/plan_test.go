// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	day    = 24 * time.Hour
	settle = time.Minute
)

var testPolicy = policy{settle: settle, leaf: day}

// cast is a set of authorities with names, for tables.
type cast struct {
	now                                   time.Time
	names                                 map[string]string
	a, b, c, aPublic, foreign, ended, old authority
}

func newCast(t *testing.T) cast {
	t.Helper()
	now := newClock().Now()
	s := cast{
		now: now,
		a:   mint(t, now, 365*day), b: mint(t, now, 365*day), c: mint(t, now, 365*day),
		old:     mint(t, now.Add(-250*day), 365*day),
		ended:   mint(t, now.Add(-2*day), day),
		foreign: mint(t, now, 365*day),
	}
	s.aPublic = authority{cert: s.a.cert}
	s.foreign.cert.Subject.Organization = []string{"Somebody"}
	s.names = map[string]string{
		string(s.a.cert.Raw): "a", string(s.b.cert.Raw): "b", string(s.c.cert.Raw): "c",
		string(s.old.cert.Raw): "old", string(s.ended.cert.Raw): "ended", string(s.foreign.cert.Raw): "foreign",
	}
	return s
}

func (s cast) describe(all ...authority) []string {
	var names []string
	for _, a := range all {
		name := "none"
		if !a.none() {
			name = s.names[string(a.cert.Raw)]
			if a.key == nil {
				name += " without key"
			}
		}
		names = append(names, name)
	}
	return names
}

// seen returns sightings of authorities for a time up to now.
func (s cast) seen(length time.Duration, all ...authority) sightings {
	var certs []*x509.Certificate
	for _, a := range all {
		certs = append(certs, a.cert)
	}
	return sightings{}.look(certs, s.now.Add(-length)).look(certs, s.now)
}

func TestPlan(t *testing.T) {
	s := newCast(t)
	of := func(ago time.Duration, all ...authority) ring { return ring{all, s.now.Add(-ago)} }
	overlap := testPolicy.settle + testPolicy.leaf
	tests := map[string]struct {
		view        view
		mint        bool
		reason      string
		ring        []string
		replacedNow bool
	}{
		"nothing anywhere": {
			view: view{}, mint: true, reason: reasonAbsent,
		},
		"absent, remembered": {
			view: view{known: of(0, s.a, s.b), seen: s.seen(0, s.c)},
			mint: true, reason: reasonAbsent, ring: []string{"a", "b"},
		},
		"absent, only the live bundle knows": {
			view: view{seen: s.seen(0, s.a, s.foreign)},
			mint: true, reason: reasonAbsent, ring: []string{"a without key"}, replacedNow: true,
		},
		"in order": {
			view:   view{stored: ring{authorities: []authority{s.a}}, known: of(0, s.a), signer: s.a, seen: s.seen(day, s.a)},
			reason: reasonContent, ring: []string{"a"},
		},
		"aged": {
			view: view{stored: of(day, s.old), signer: s.old},
			mint: true, reason: reasonAged, ring: []string{"old"},
		},
		"expired": {
			view: view{stored: of(day, s.ended), signer: s.ended},
			mint: true, reason: reasonAged, ring: []string{"ended"},
		},
		"requested": {
			view: view{stored: of(day, s.a), signer: s.a, requested: true},
			mint: true, reason: reasonRequested, ring: []string{"a"},
		},
		"requested, but too many": {
			view:   view{stored: of(0, s.a, s.b, s.c, s.old, s.b, s.c, s.b, s.c), signer: s.a, requested: true},
			reason: reasonContent, ring: []string{"a", "b", "c", "old", "b", "c", "b", "c"},
		},
		"the one in use is missing": {
			view:   view{stored: of(day, s.b), known: of(0, s.a), signer: s.a},
			reason: reasonMissing, ring: []string{"b", "a"}, replacedNow: true,
		},
		"the one in use has lost its key": {
			view:   view{stored: of(time.Hour, s.b, s.aPublic), known: of(0, s.a), signer: s.a},
			reason: reasonMissing, ring: []string{"b", "a"},
		},
		"the one in use is missing and has expired": {
			view:   view{stored: of(day, s.b), signer: s.ended},
			reason: reasonContent, ring: []string{"b"},
		},
		"known, but not in use, and missing": {
			view:   view{stored: of(day, s.b), known: of(0, s.b, s.a), signer: s.b},
			reason: reasonContent, ring: []string{"b"},
		},
		"overlap goes on": {
			view:   view{stored: of(overlap-time.Second, s.b, s.a), signer: s.b, seen: s.seen(day, s.b, s.a)},
			reason: reasonContent, ring: []string{"b", "a"},
		},
		"overlap is over": {
			view:   view{stored: of(overlap, s.b, s.a), signer: s.b, seen: s.seen(2*settle, s.b, s.a)},
			reason: reasonOver, ring: []string{"b"},
		},
		"overlap is over, but published only now": {
			view:   view{stored: of(overlap, s.b, s.a), signer: s.a, seen: s.seen(settle, s.b, s.a)},
			reason: reasonContent, ring: []string{"b", "a"},
		},
		"overlap is over, but not published": {
			view:   view{stored: of(overlap, s.b, s.a), signer: s.a, seen: s.seen(day, s.a)},
			reason: reasonContent, ring: []string{"b", "a"},
		},
		"an earlier one has expired": {
			view:   view{stored: of(0, s.b, s.ended, s.a), signer: s.b},
			reason: reasonOver, ring: []string{"b", "a"},
		},
		"earlier ones without a date": {
			view:   view{stored: ring{authorities: []authority{s.b, s.a}}, signer: s.b, seen: s.seen(day, s.b)},
			reason: reasonContent, ring: []string{"b", "a"}, replacedNow: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.view.now = s.now
			got := testPolicy.plan(test.view)
			if got.mint != test.mint || got.reason != test.reason {
				t.Errorf("got mint %v, %q; want %v, %q", got.mint, got.reason, test.mint, test.reason)
			}
			if diff := cmp.Diff(test.ring, s.describe(got.ring.authorities...)); diff != "" {
				t.Error(diff)
			}
			if test.replacedNow && !got.ring.replaced.Equal(s.now) {
				t.Errorf("replaced at %v, want now", got.ring.replaced)
			}
		})
	}
}

// A new authority stands first; what has expired does not follow it.
func TestBefore(t *testing.T) {
	s := newCast(t)
	got := ring{authorities: []authority{s.a, s.ended, s.b}}.before(s.c, s.now)
	if diff := cmp.Diff([]string{"c", "a", "b"}, s.describe(got.authorities...)); diff != "" {
		t.Error(diff)
	}
	if !got.replaced.Equal(s.now) {
		t.Errorf("replaced at %v, want now", got.replaced)
	}
}

func TestSigner(t *testing.T) {
	s := newCast(t)
	recent := s.now.Add(-time.Hour)
	tests := map[string]struct {
		ring  ring
		inUse authority
		seen  sightings
		want  string
	}{
		"nothing": {want: "none"},
		"very first": {
			ring: ring{authorities: []authority{s.a}}, want: "a",
		},
		"in use": {
			ring: ring{authorities: []authority{s.a}}, inUse: s.a, seen: s.seen(0, s.a), want: "a",
		},
		"a newer one, not published": {
			ring: ring{[]authority{s.b, s.a}, recent}, inUse: s.a, seen: s.seen(day, s.a), want: "a",
		},
		"a newer one, published just now": {
			ring: ring{[]authority{s.b, s.a}, recent}, inUse: s.a, seen: s.seen(settle-time.Second, s.b, s.a), want: "a",
		},
		"a newer one, settled": {
			ring: ring{[]authority{s.b, s.a}, recent}, inUse: s.a, seen: s.seen(settle, s.b, s.a), want: "b",
		},
		"never back": {
			ring: ring{[]authority{s.b, s.a}, recent}, inUse: s.b, seen: s.seen(day, s.a), want: "b",
		},
		"two newer ones, one settled": {
			ring: ring{[]authority{s.c, s.b, s.a}, recent}, inUse: s.a, seen: s.seen(settle, s.b, s.a), want: "b",
		},
		"the one in use has expired": {
			ring: ring{[]authority{s.b, s.ended}, recent}, inUse: s.ended, want: "b",
		},
		"the one in use is gone, as in an outage of a day": {
			ring: ring{authorities: []authority{s.b}}, inUse: s.a, seen: s.seen(0, s.b), want: "b",
		},
		"just started, during an overlap": {
			ring: ring{[]authority{s.b, s.a}, recent}, seen: s.seen(0, s.b, s.a), want: "a",
		},
		"just started, the earlier one not published": {
			ring: ring{[]authority{s.b, s.a}, recent}, seen: s.seen(0, s.b), want: "b",
		},
		"just started, the earlier one without its key": {
			ring: ring{[]authority{s.b, s.aPublic}, recent}, seen: s.seen(0, s.b, s.a), want: "b",
		},
		"just started, the earlier one about to leave": {
			ring: ring{[]authority{s.b, s.a}, s.now.Add(-day)}, seen: s.seen(0, s.b, s.a), want: "b",
		},
		"all expired": {
			ring: ring{authorities: []authority{s.ended}}, inUse: s.ended, want: "none",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := testPolicy.signer(test.ring, test.inUse, test.seen, s.now)
			if diff := cmp.Diff([]string{test.want}, s.describe(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSightings(t *testing.T) {
	s := newCast(t)
	a, b := []*x509.Certificate{s.a.cert}, []*x509.Certificate{s.b.cert}
	at := func(minutes int) time.Time { return s.now.Add(time.Duration(minutes) * time.Minute) }
	tests := map[string]struct {
		seen sightings
		want time.Duration
	}{
		"never":                {sightings{}.look(b, at(0)), -1},
		"once":                 {sightings{}.look(a, at(0)), 0},
		"twice":                {sightings{}.look(a, at(0)).look(a, at(1)), time.Minute},
		"gone":                 {sightings{}.look(a, at(0)).look(b, at(1)), -1},
		"back":                 {sightings{}.look(a, at(0)).look(b, at(1)).look(a, at(2)), 0},
		"a look failed":        {sightings{}.look(a, at(0)).look(a, at(1)).blind(), time.Minute},
		"an outage":            {sightings{}.look(a, at(0)).look(a, at(1)).blind().look(a, at(600)), time.Minute},
		"after an outage":      {sightings{}.look(a, at(0)).blind().look(a, at(600)).look(a, at(602)), 2 * time.Minute},
		"a clock was set back": {sightings{}.look(a, at(60)).look(a, at(61)).look(a, at(1)).look(a, at(2)), 2 * time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.seen.length(s.a); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
