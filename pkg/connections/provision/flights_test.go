// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"serviceconnector.dev/pkg/connections"
)

var object = connections.Object{Kind: connections.KindSecret, Namespace: "shop", Name: "s"}

// began starts a flight that ends when release is closed.
func began(t *testing.T, f flights, tag string) (release chan struct{}, result chan error) {
	t.Helper()
	under := make(chan struct{})
	release, result = make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := f.do(context.WithoutCancel(t.Context()), object, tag, func(context.Context) error {
			close(under)
			<-release
			return nil
		})
		result <- err
	}()
	<-under
	return release, result
}

// Who joins a flight learns whose it was: another's end is not his.
func TestJoinedFlight(t *testing.T) {
	type end struct {
		flown any
		err   error
	}
	own := errors.New("a flight of its own")
	f := newFlights(logr.Discard())
	release, result := began(t, f, "first")
	ends := make(chan end, 8)
	for range cap(ends) {
		go func() {
			flown, err := f.do(context.WithoutCancel(t.Context()), object, "second", func(context.Context) error { return own })
			ends <- end{flown, err}
		}()
	}
	close(release)
	if err := <-result; err != nil {
		t.Error(err)
	}
	for range cap(ends) {
		// Each either joined the first or, coming late, a second one.
		if e := <-ends; e.flown == "first" && e.err != nil || e.flown == "second" && !errors.Is(e.err, own) || e.flown == nil {
			t.Errorf("flight %q ended with %v", e.flown, e.err)
		}
	}
}

// A waiter that leaves does not end the flight.
func TestWaiterLeaves(t *testing.T) {
	f := newFlights(logr.Discard())
	release, result := began(t, f, "first")
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := f.do(ctx, object, "first", nil); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "is still being made") {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// A request that ends does not end the flight that it began.
func TestFlightIsDetached(t *testing.T) {
	f := newFlights(logr.Discard())
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	under := make(chan struct{})
	go func() {
		_, _ = f.do(ctx, object, "first", func(flight context.Context) error {
			close(under)
			<-ctx.Done()
			ended <- flight.Err()
			return nil
		})
	}()
	<-under
	leave()
	if err := <-ended; err != nil {
		t.Errorf("the flight ended with its request: %v", err)
	}
}

// A panic in a flight is an error of it, without the panic's value.
func TestPanicInFlight(t *testing.T) {
	var log bytes.Buffer
	f := newFlights(funcr.New(func(prefix, args string) { log.WriteString(prefix + args) }, funcr.Options{}))
	_, err := f.do(t.Context(), object, "first", func(context.Context) error { panic("canary-value") })
	if err == nil || strings.Contains(err.Error()+log.String(), "canary-value") || !strings.Contains(log.String(), "flights_test.go") {
		t.Errorf("got %v, log %q: want the stack and no value", err, log.String())
	}
	if _, err := f.do(t.Context(), object, "second", func(context.Context) error { return nil }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Of what the API server says only what is its own is passed on, in one line.
func TestSaid(t *testing.T) {
	for text, want := range map[string]string{
		`secrets "x" is forbidden: exceeded quota: q, requested: count/secrets=1`:                         `secrets "x" is forbidden: exceeded quota: q, requested: count/secrets=1`,
		`admission webhook "guard.example.com" denied the request: data is c4n4ry`:                        `admission webhook "guard.example.com" refused it; its own log says why`,
		`secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: c4n4ry`: `ValidatingAdmissionPolicy 'p' refused it; its own log says why`,
		"two\nlines\x1b[31m":        `two\nlines\x1b[31m`,
		strings.Repeat("é", 10_000): strings.Repeat("é", 256) + "...",
	} {
		if got := said(errors.New(text)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
