// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const headerTimeout = 10 * time.Second

// Options say how a cloud is started. The zero value of each field but TenantID
// and Keys has a good meaning.
type Options struct {
	// TenantID is the only tenant there is.
	TenantID string
	// Keys returns the JSON Web Key Set of an issuer of assertions. Without it no
	// assertion is good.
	Keys func(ctx context.Context, issuer string) (jwks []byte, err error)
	// Listen is where to listen, host:port. Without it: any port on 127.0.0.1.
	Listen string
	// Now tells the time for tokens and assertions. Without it: time.Now.
	Now func() time.Time
	// TokenLifetime is how long access tokens are good. Without it: one hour.
	TokenLifetime time.Duration
	// ExchangeAudience is the audience of assertions, which differs in sovereign
	// clouds. Without it: api://AzureADTokenExchange.
	ExchangeAudience string
}

// Cloud is a running stand-in.
type Cloud struct {
	// URL is https://host:port, without a slash at its end.
	URL string
	// CA is the authority that signed the certificate, in PEM.
	CA []byte

	options Options
	server  *http.Server
	stopped chan struct{}
	sealer  sealer

	right, wrong *tls.Certificate
	serveWrong   atomic.Bool

	connections connections
	requests    journal
	faults      faults

	mu    sync.Mutex
	state state
}

// Start starts a cloud. It runs until Stop.
func Start(o Options) (*Cloud, error) {
	c, err := start(o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("starting the stand-in for Azure: %w", err)
	}
	return c, nil
}

func start(o Options) (*Cloud, error) {
	if o.TenantID == "" {
		return nil, errors.New("it needs a tenant id")
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, err
	}
	seal, err := newSealer()
	if err != nil {
		return nil, err
	}
	c := &Cloud{options: o, stopped: make(chan struct{}), sealer: seal, state: newState()}
	if c.right, c.CA, err = certificate(host); err != nil {
		return nil, err
	}
	if c.wrong, _, err = certificate(host); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	c.URL = "https://" + listener.Addr().String()
	c.server = &http.Server{
		Handler:           http.HandlerFunc(c.serve),
		TLSConfig:         &tls.Config{GetCertificate: c.certificate, MinVersion: tls.VersionTLS12},
		ConnState:         c.connections.note,
		ReadHeaderTimeout: headerTimeout,
		// Clients that refuse the certificate are what tests are after.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = c.server.ServeTLS(listener, "", "") }()
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.ExchangeAudience == "" {
		o.ExchangeAudience = "api://AzureADTokenExchange"
	}
	if o.Keys == nil {
		o.Keys = func(context.Context, string) ([]byte, error) { return nil, errors.New("no issuer is known") }
	}
	return o
}

// Stop ends the cloud and all its connections. It may be called twice.
func (c *Cloud) Stop() {
	c.mu.Lock()
	select {
	case <-c.stopped:
	default:
		close(c.stopped)
	}
	c.mu.Unlock()
	_ = c.server.Close()
}

// newID returns a random id that looks as Azure's do.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
