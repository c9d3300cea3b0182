// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// drain is the time between being told to end and ending. Requests are answered
// as before, and each answer asks the caller to take its next one elsewhere: a
// connection that the server closes while a request is on its way fails that
// request, since API servers do not repeat a POST.
type drain struct{ begun atomic.Bool }

// after returns a context that ends a while after ctx does.
func (d *drain) after(ctx context.Context, wait time.Duration) context.Context {
	ending, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		d.begun.Store(true)
		time.AfterFunc(wait, end)
	})
	return ending
}

// handler has answers close their connections once the drain has begun.
func (d *drain) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.begun.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Check is a readiness check.
func (d *drain) Check(*http.Request) error {
	if d.begun.Load() {
		return errors.New("this replica is about to end")
	}
	return nil
}
