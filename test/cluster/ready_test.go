// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestComplaint(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"failing checks": {"[+]ping ok\n[-]etcd failed: reason withheld\n[-]rbac failed\nreadyz check failed\n", "etcd failed: reason withheld; rbac failed"},
		"another text":   {"not now\nor ever\n", "not now"},
		"nothing":        {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, complaint(tt.body)); diff != "" {
				t.Errorf("complaint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpectOK(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/good" {
			http.Error(w, "[-]etcd failed", http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	if err := expectOK(t.Context(), server.Client(), server.URL+"/good"); err != nil {
		t.Error(err)
	}
	err := expectOK(t.Context(), server.Client(), server.URL+"/bad")
	if err == nil || !strings.HasSuffix(err.Error(), "/bad answers 500 Internal Server Error: etcd failed") {
		t.Errorf("got %v, want the status and the failing check", err)
	}
}

func TestInterruption(t *testing.T) {
	cause := errors.New("interrupt signal received")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := interruption(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("got %v, want both context.Canceled and its cause", err)
	}
	late, done := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer done()
	if err := interruption(late); !errors.Is(err, context.DeadlineExceeded) || err.Error() != context.DeadlineExceeded.Error() {
		t.Errorf("got %v, want the deadline alone", err)
	}
}
