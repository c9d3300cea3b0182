// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// world is three replicas that serve over real TLS, and three API servers that
// trust nothing but the caBundle they have heard of, some later than others,
// some with a clock that is wrong.
type world struct {
	t        *testing.T
	api      *api
	clock    *clock
	settle   time.Duration
	replicas []*replica
	servers  []apiServer
	history  []published
	tried    map[string]time.Time // the same handshake is not made twice within an hour
	made     int                  // handshakes
	failed   []string
}

type replica struct {
	name   string
	skew   time.Duration // of its clock
	keeper *Keeper
	addr   string
	server *http.Server
}

type apiServer struct {
	lag  time.Duration // with which it learns of a caBundle
	skew time.Duration
}

type published struct {
	at     time.Time
	bundle string
}

// Lives are shorter than the defaults, which changes nothing but the number of
// steps.
const (
	worldCALife = 9 * day
	worldTick   = 5 * time.Second
)

func newWorld(t *testing.T, settle time.Duration) *world {
	w := &world{
		t: t, tried: map[string]time.Time{}, api: newAPI(t, webhookConfiguration()), clock: newClock(), settle: settle,
		servers: []apiServer{{0, 0}, {20 * time.Second, -time.Hour}, {50 * time.Second, time.Hour}},
	}
	for i, skew := range []time.Duration{0, time.Hour, -time.Hour} {
		w.replicas = append(w.replicas, &replica{name: fmt.Sprintf("replica %d", i), skew: skew})
		w.start(i)
	}
	w.pass(0, 1, 2)
	// The first caBundle is not what this is about: all have heard of it.
	w.history[0].at = w.clock.Now().Add(-time.Hour)
	return w
}

// start makes a replica new, as a restart of its process does.
func (w *world) start(i int) {
	r := w.replicas[i]
	r.keeper = newKeeper(w.api, w.clock, func(o *Options) {
		o.Now = func() time.Time { return w.clock.Now().Add(r.skew) }
		o.CALifetime, o.Settle = worldCALife, w.settle
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{
		TLSConfig: &tls.Config{GetCertificate: r.keeper.GetCertificate},
		Handler:   http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusNoContent) }),
		ErrorLog:  stdlog.New(io.Discard, "", 0),
	}
	if r.server != nil {
		r.server.Close()
	}
	r.addr, r.server = listener.Addr().String(), server
	go func() { _ = server.ServeTLS(listener, "", "") }() // ends with Close
	w.t.Cleanup(func() { server.Close() })
}

// pass lets replicas make a pass, in the given order, and every API server call
// every replica in between.
func (w *world) pass(order ...int) {
	for _, i := range order {
		_ = w.replicas[i].keeper.Sync(w.t.Context()) // what goes wrong shows in the calls
		w.publish()
		w.callAll()
	}
}

func (w *world) publish() {
	bundle := w.api.bundle()
	if n := len(w.history); n == 0 || w.history[n-1].bundle != bundle {
		w.history = append(w.history, published{w.clock.Now(), bundle})
	}
}

// heard returns the caBundle that an API server knows of.
func (w *world) heard(s apiServer) string {
	bundle := w.history[0].bundle
	for _, p := range w.history {
		if !p.at.After(w.clock.Now().Add(-s.lag)) {
			bundle = p.bundle
		}
	}
	return bundle
}

func (w *world) callAll() {
	if len(w.history) == 0 {
		return
	}
	for i, server := range w.servers {
		roots, heard := x509.NewCertPool(), w.heard(server)
		roots.AppendCertsFromPEM([]byte(heard))
		config := &tls.Config{
			RootCAs:    roots,
			ServerName: "service-connector.sc-system.svc",
			Time:       func() time.Time { return w.clock.Now().Add(server.skew) },
		}
		for _, r := range w.replicas {
			if r.keeper.NotAfter().IsZero() {
				continue // just started: not ready, not called
			}
			key := fmt.Sprint(i, heard, served(w.t, r.keeper))
			if at, ok := w.tried[key]; ok && w.clock.Now().Sub(at) < time.Hour {
				continue
			}
			w.tried[key] = w.clock.Now()
			w.made++
			if err := call(r.addr, config); err != nil {
				w.failed = append(w.failed, fmt.Sprintf("%v: API server %d to %s: %v", w.clock.Now(), i, r.name, err))
			}
		}
	}
}

// call makes a handshake and a request, as an API server does that has no
// connection open.
func call(addr string, config *tls.Config) error {
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get("https://" + addr)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// closely goes on in small steps, the replicas' passes set off against each
// other.
func (w *world) closely(length time.Duration) {
	for n := 0; time.Duration(n)*worldTick < length; n++ {
		w.clock.Move(worldTick)
		if n%2 == 0 {
			w.pass(0, 2)
			continue
		}
		w.pass(1)
	}
}

// roughly goes on in steps of hours, and closely for a while wherever somebody
// wrote something.
func (w *world) roughly(length time.Duration) {
	for end := w.clock.Now().Add(length); w.clock.Now().Before(end); {
		before := len(w.history)
		w.clock.Move(time.Hour)
		w.pass(2, 0, 1)
		if len(w.history) != before {
			w.closely(3 * time.Minute)
		}
	}
}

func (w *world) currentAuthority() authority { return w.api.ring().current() }

// The one promise: not a handshake fails, whatever is exchanged.
func TestNoHandshakeFails(t *testing.T) {
	tests := map[string]func(w *world){
		"leaf and authority grow old": func(w *world) {
			first := w.currentAuthority()
			w.roughly(8 * day)
			if w.currentAuthority().is(first) {
				w.t.Error("the authority was not exchanged")
			}
			if got := len(w.api.ring().authorities); got != 1 {
				w.t.Errorf("got %d authorities, want 1", got)
			}
		},
		"requested": func(w *world) {
			w.api.rotate()
			w.closely(3 * time.Minute)
			for _, r := range w.replicas {
				if !r.keeper.signer.is(w.currentAuthority()) {
					w.t.Errorf("%s does not sign with the new authority", r.name)
				}
			}
			w.roughly(2 * day)
		},
		"requested again and again": func(w *world) {
			for range 12 {
				w.api.rotate()
				w.closely(20 * time.Second)
			}
			w.roughly(2 * day)
		},
		"secret deleted": func(w *world) {
			w.api.deleteSecret()
			w.closely(3 * time.Minute)
			w.roughly(2 * day)
		},
		"secret deleted during an exchange": func(w *world) {
			w.api.rotate()
			w.closely(40 * time.Second)
			w.api.deleteSecret()
			w.closely(40 * time.Second)
			w.api.deleteSecret()
			w.roughly(2 * day)
		},
		"secret broken": func(w *world) {
			w.api.editSecret(func(s *corev1.Secret) { s.Data["tls.key"] = []byte("garbage") })
			w.closely(3 * time.Minute)
			w.roughly(2 * day)
		},
		"restarts during an exchange": func(w *world) {
			w.api.rotate()
			for i := range w.replicas {
				w.closely(30 * time.Second)
				w.start(i)
			}
			w.closely(3 * time.Minute)
			w.start(0)
			w.roughly(23 * time.Hour)
			w.start(1)
			w.roughly(day)
		},
		"API away during an exchange": func(w *world) {
			w.api.rotate()
			w.closely(10 * time.Second)
			w.api.fail("", errors.New("connection refused"))
			w.roughly(30 * time.Hour)
			w.api.fail("", nil)
			w.closely(3 * time.Minute)
			w.roughly(2 * day)
		},
		"publishing refused for days": func(w *world) {
			w.api.fail("patch configurations", forbidden())
			w.api.rotate()
			w.roughly(3 * day)
			w.api.fail("patch configurations", nil)
			w.closely(3 * time.Minute)
			w.roughly(2 * day)
		},
	}
	for name, live := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settle)
			live(w)
			for _, failure := range w.failed[:min(len(w.failed), 5)] {
				t.Error(failure)
			}
			t.Logf("%d of %d handshakes failed; %d bundles published", len(w.failed), w.made, len(w.history))
			for _, r := range w.replicas {
				checkReady(t, r.keeper)
			}
		})
	}
}

// The proof that the test above can fail: who signs at once with what was just
// published is refused by API servers that have not heard of it.
func TestHandshakesFailWithoutSettle(t *testing.T) {
	w := newWorld(t, time.Nanosecond)
	w.api.rotate()
	w.closely(3 * time.Minute)
	if len(w.failed) == 0 {
		t.Errorf("none of %d handshakes failed", w.made)
	}
}
