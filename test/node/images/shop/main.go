// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// roundTimeout bounds one round.
	roundTimeout = 10 * time.Second
	usage        = "usage: shop once | serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, lookup func(string) (string, bool), out io.Writer) error {
	if len(args) != 1 || (args[0] != "once" && args[0] != "serve") {
		return errors.New(usage)
	}
	s, err := settings(lookup)
	if err != nil {
		return err
	}
	if err := s.report(ctx, out); err != nil {
		return err
	}
	if args[0] == "once" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":8080")
	if err != nil {
		return err
	}
	return s.serve(ctx, listener)
}

// serve answers until ctx ends.
func (s services) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: roundTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

func (s services) health(w http.ResponseWriter, r *http.Request) {
	if err := s.report(r.Context(), w); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
