// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d drain
		ctx, cancel := context.WithCancel(t.Context())
		ending := d.after(ctx, 10*time.Second)
		answer := func() http.Header {
			w := httptest.NewRecorder()
			d.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).
				ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
			if w.Code != http.StatusTeapot {
				t.Errorf("answered %d", w.Code)
			}
			return w.Header()
		}
		if err := d.Check(nil); err != nil || answer().Get("Connection") != "" {
			t.Errorf("it drains before it was told to: %v", err)
		}
		cancel()
		synctest.Wait()
		if err := d.Check(nil); err == nil || answer().Get("Connection") != "close" {
			t.Errorf("it does not drain: %v", err)
		}
		time.Sleep(10*time.Second - time.Nanosecond)
		synctest.Wait()
		if ending.Err() != nil {
			t.Error("it ended before the time was over")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if ending.Err() == nil {
			t.Error("it did not end")
		}
	})
}
