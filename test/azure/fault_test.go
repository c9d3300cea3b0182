// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"serviceconnector.dev/test/azure"
)

func toARM(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/subscriptions/") }

func TestThrottling(t *testing.T) {
	for name, after := range map[string]time.Duration{"seconds": time.Second, "milliseconds": 150 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Fail(toARM, azure.Fault{
				Status: http.StatusTooManyRequests, Code: "SubscriptionRequestsThrottled", Message: "Too many.", RetryAfter: after, Times: 1,
			})
			if _, err := w.client(t, w.principal(t, secret)).do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
				t.Fatal(err)
			}
			var got []azure.Request
			for _, r := range w.Requests() {
				if r.Host == azure.HostARM {
					got = append(got, r)
				}
			}
			if len(got) != 2 || got[0].Status != http.StatusTooManyRequests || got[1].Status != http.StatusOK {
				t.Fatalf("got %+v", got)
			}
			if waited := got[1].At.Sub(got[0].At); waited < after {
				t.Errorf("the client waited %v of %v", waited, after)
			}
		})
	}
}

func TestFaultUntilRemoved(t *testing.T) {
	w := newWorld(t)
	remove := w.Fail(toARM, azure.Fault{Status: http.StatusServiceUnavailable, Code: "ServerBusy", Message: "Later."})
	c := w.client(t, w.principal(t, secret))
	_, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil)
	wantError(t, err, http.StatusServiceUnavailable, "ServerBusy")
	if got := w.sent(azure.HostARM); got != 3 {
		t.Errorf("%d tries, want 3", got)
	}
	remove()
	if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
		t.Error(err)
	}
}

func TestFaultOfEntra(t *testing.T) {
	w := newWorld(t)
	w.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") }, azure.Fault{Status: http.StatusBadGateway, Code: "BadGateway"})
	if err := w.token(t.Context(), w.principal(t, secret)); err == nil {
		t.Error("there is a token")
	}
}

func TestHang(t *testing.T) {
	w := newWorld(t)
	c := w.client(t, w.principal(t, secret), oneTry)
	if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 2)
	w.Fail(func(*http.Request) bool { arrived <- struct{}{}; return true }, azure.Fault{Kind: azure.Hang})
	t.Run("until the client gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		if _, err := c.do(ctx, http.MethodGet, linkers, linkerVersion, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("until the cloud stops", func(t *testing.T) {
		go func() { <-arrived; w.Stop() }()
		if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err == nil {
			t.Error("there is an answer")
		}
	})
}

func TestSlow(t *testing.T) {
	const delay = 50 * time.Millisecond
	w := newWorld(t)
	w.Fail(toARM, azure.Fault{Kind: azure.Slow, Delay: delay})
	c := w.client(t, w.principal(t, secret))
	began := time.Now()
	if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("it took %v", took)
	}
}

func TestResetMidBody(t *testing.T) {
	w := newWorld(t)
	w.SetLinker(clusterID, azure.Linker{Name: "one"})
	c := w.client(t, w.principal(t, secret), oneTry)
	fault := azure.Fault{Kind: azure.ResetMidBody, Times: 1}
	t.Run("a read ends in the middle", func(t *testing.T) {
		w.Fail(toARM, fault)
		_, err := c.do(t.Context(), http.MethodGet, linkers+"/one", linkerVersion, nil)
		if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a write is done", func(t *testing.T) {
		w.Fail(toARM, fault)
		if _, err := w.credentials(t, oneTry).put(t.Context(), "abc", "s"); err == nil {
			t.Error("the answer came")
		}
		if got := w.Credentials(identityID); len(got) != 2 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("the client tries again", func(t *testing.T) {
		w.Fail(toARM, fault)
		if _, err := w.client(t, w.principal(t, secret)).do(t.Context(), http.MethodGet, linkers+"/one", linkerVersion, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestTokenExpiredFault(t *testing.T) {
	w := newWorld(t)
	w.Fail(toARM, azure.Fault{Kind: azure.TokenExpired, Times: 1})
	c := w.client(t, w.principal(t, secret))
	response, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil)
	wantError(t, err, http.StatusUnauthorized, "ExpiredAuthenticationToken")
	if got := response.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) {
		t.Errorf("the challenge is %s", got)
	}
	if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
		t.Error(err)
	}
	if got := w.sent(azure.HostARM); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

func TestWrongCertificate(t *testing.T) {
	w := newWorld(t)
	c := w.client(t, w.principal(t, secret), oneTry)
	read := func() error {
		_, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	w.WrongCertificate(true)
	// Else a client may still use the connection that ended.
	w.http.CloseIdleConnections()
	if err := read(); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("got %v", err)
	}
	w.WrongCertificate(false)
	w.http.CloseIdleConnections()
	if err := read(); err != nil {
		t.Error(err)
	}
}

func TestRequestsHoldNoSecrets(t *testing.T) {
	w := newWorld(t)
	identified := func(o *arm.ClientOptions) {
		o.PerCallPolicies = append(o.PerCallPolicies, runtime.NewRequestIDPolicy())
	}
	if _, err := w.client(t, w.principal(t, secret), identified).do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
		t.Fatal(err)
	}
	requests := w.Requests()
	last := requests[len(requests)-1]
	if last.Client != principalID || last.Action != "Microsoft.ServiceLinker/linkers/read" || last.ClientRequestID == "" || last.Query.Get("api-version") != linkerVersion {
		t.Errorf("got %+v", last)
	}
	for _, r := range requests {
		if strings.Contains(r.Path+r.Query.Encode(), secret) {
			t.Errorf("a secret is in %+v", r)
		}
	}
}
