// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// pipeline sends requests to a handler through a governor, without any try again
// of the SDK's.
func pipeline(t *testing.T, now func() time.Time, handler http.HandlerFunc) func(ctx context.Context, path string) (*http.Response, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p := runtime.NewPipeline("test", "v0", runtime.PipelineOptions{}, &policy.ClientOptions{
		Retry:            policy.RetryOptions{MaxRetries: -1},
		PerRetryPolicies: []policy.Policy{newGovernor(now, tryTime)},
	})
	return func(ctx context.Context, path string) (*http.Response, error) {
		request, err := runtime.NewRequest(ctx, http.MethodGet, server.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		return p.Do(request)
	}
}

func TestNoCallIsWastedAfter429(t *testing.T) {
	now := time.Unix(1000, 0)
	var calls atomic.Int32
	get := pipeline(t, func() time.Time { return now }, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if strings.HasPrefix(r.URL.Path, "/subscriptions/busy") {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	if _, err := get(t.Context(), "/subscriptions/busy/x"); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, 16 * time.Second} {
		now = time.Unix(1000, 0).Add(after)
		_, err := get(t.Context(), "/subscriptions/BUSY/y")
		var paused *pausedError
		if !errors.As(err, &paused) || !paused.until.Equal(time.Unix(1017, 0)) {
			t.Errorf("after %s: %v", after, err)
		}
	}
	if _, err := get(t.Context(), "/subscriptions/idle/x"); err != nil || calls.Load() != 2 {
		t.Errorf("another subscription waits, too: %v, %d calls", err, calls.Load())
	}
	now = time.Unix(1017, 0)
	if _, err := get(t.Context(), "/subscriptions/busy/x"); err != nil || calls.Load() != 3 {
		t.Errorf("when it said: %v, %d calls", err, calls.Load())
	}
}

func TestCircuitOpens(t *testing.T) {
	var calls, status atomic.Int32
	status.Store(http.StatusServiceUnavailable)
	get := pipeline(t, time.Now, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // a caller that gives up says nothing of Azure
		if _, err := get(gone, "/subscriptions/s/x"); err == nil {
			t.Fatal("a request without a caller was answered")
		}
	}
	for range failuresInARow + 5 {
		_, _ = get(t.Context(), "/subscriptions/s/x")
	}
	if calls.Load() != failuresInARow {
		t.Errorf("%d calls reached Azure, want %d", calls.Load(), failuresInARow)
	}
	_, err := get(t.Context(), "/subscriptions/s/x")
	var paused *pausedError
	if !errors.As(err, &paused) {
		t.Errorf("got %v", err)
	}
	status.Store(http.StatusOK)
	if _, err := get(t.Context(), "/subscriptions/other/x"); err != nil {
		t.Errorf("another subscription's circuit is open, too: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "7", 7 * time.Second}, {"Retry-After-Ms", "300", 300 * time.Millisecond}, {"X-Ms-Retry-After-Ms", "20", 20 * time.Millisecond},
		{"Retry-After", "999999", longestRest}, {"Retry-After", "soon", time.Second}, {"Other", "5", time.Second},
	} {
		header := http.Header{}
		header.Set(c.name, c.value)
		if got := retryAfter(header); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.name, c.value, got, c.want)
		}
	}
	header := http.Header{}
	header.Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
	if got := retryAfter(header); got < 50*time.Second || got > time.Minute {
		t.Errorf("a date a minute ahead is %s", got)
	}
}

func TestConfigIsChecked(t *testing.T) {
	const cluster = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
	for _, c := range []struct {
		config Config
		want   string // "" for none
	}{
		{Config{Cluster: cluster}, ""},
		{Config{Cluster: cluster, Cloud: "AzureChina"}, ""},
		{Config{Cluster: cluster, Authority: "https://login.example", ResourceManager: "https://arm.example"}, ""},
		{Config{Cluster: "my-cluster"}, "az aks show"},
		{Config{Cluster: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/c"}, "az aks show"},
		{Config{Cluster: cluster, Cloud: "Azure"}, "AzurePublic"},
		{Config{Cluster: cluster, Authority: "https://login.example"}, "both"},
		{Config{Cluster: cluster, Authority: "http://login.example", ResourceManager: "https://arm.example"}, "no https URL"},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
}
