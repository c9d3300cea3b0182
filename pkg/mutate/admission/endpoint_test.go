// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"serviceconnector.dev/pkg/mutate"
)

const goodReview = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","namespace":"shop","object":{}}}`

type decide func(context.Context, *Request) (Verdict, error)

func (d decide) Decide(ctx context.Context, r *Request) (Verdict, error) { return d(ctx, r) }

type admitted struct {
	Endpoint, Result string
	Reason           mutate.Reason
}

type observer struct{ seen []admitted }

func (o *observer) Admitted(_ context.Context, endpoint, result string, reason mutate.Reason, _ time.Duration) {
	o.seen = append(o.seen, admitted{endpoint, result, reason})
}

func serve(t *testing.T, d decide, log logr.Logger, r *http.Request) (*http.Response, string, []admitted) {
	t.Helper()
	seen := &observer{}
	recorder := httptest.NewRecorder()
	(&Endpoint{Name: "pods", Decider: d, Observer: seen, Log: log}).ServeHTTP(recorder, r)
	response := recorder.Result()
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body), seen.seen
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/mutate-pods?timeout=10s", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func allow(context.Context, *Request) (Verdict, error) { return Verdict{Reason: ReasonUnchanged}, nil }

// What is no review of version v1 gets an HTTP error, and never a verdict.
func TestWireRefuses(t *testing.T) {
	get := httptest.NewRequest(http.MethodGet, "/mutate-pods", http.NoBody)
	text := post(goodReview)
	text.Header.Set("Content-Type", "text/plain")
	none := post(goodReview)
	none.Header.Del("Content-Type")
	broken := post("")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{}))
	endless := post("")
	endless.Body = io.NopCloser(neverEnding{})
	tests := map[string]struct {
		request *http.Request
		code    int
		message string
	}{
		"GET":                   {get, 405, "by POST"},
		"text/plain":            {text, 415, "application/json"},
		"no content type":       {none, 415, "application/json"},
		"empty body":            {post(""), 400, "no JSON"},
		"no JSON":               {post("apiVersion: v1"), 400, "no JSON"},
		"a list":                {post("[]"), 400, "no JSON"},
		"cut off":               {broken, 400, "did not arrive whole"},
		"too large":             {post(goodReview + strings.Repeat(" ", maxBody)), 413, "larger than"},
		"endless":               {endless, 413, "larger than"},
		"v1beta1":               {post(strings.Replace(goodReview, "k8s.io/v1", "k8s.io/v1beta1", 1)), 400, `"admission.k8s.io/v1beta1"`},
		"v2":                    {post(strings.Replace(goodReview, "k8s.io/v1", "k8s.io/v2", 1)), 400, `"admission.k8s.io/v2"`},
		"another kind":          {post(`{"apiVersion":"admission.k8s.io/v1","kind":"Pod"}`), 400, `"Pod"`},
		"no request":            {post(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`), 400, "no uid"},
		"no uid":                {post(strings.Replace(goodReview, "u1", "", 1)), 400, "no uid"},
		"a response":            {post(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u1","allowed":true}}`), 400, "no uid"},
		"another case":          {post(strings.Replace(goodReview, `"request"`, `"Request"`, 1)), 400, "no uid"},
		"NUL bytes":             {post("\x00\x00"), 400, "no JSON"},
		"deep":                  {post(strings.Repeat(`{"a":`, 100_000)), 400, "no JSON"},
		"object of wrong shape": {post(strings.Replace(goodReview, `"namespace":"shop"`, `"namespace":{}`, 1)), 400, "no JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, body, seen := serve(t, allow, logr.Discard(), test.request)
			if response.StatusCode != test.code || !strings.Contains(body, test.message) {
				t.Errorf("got %d %q, want %d with %q", response.StatusCode, body, test.code, test.message)
			}
			if strings.Contains(body, "allowed") {
				t.Errorf("a verdict in %q", body)
			}
			if diff := cmp.Diff([]admitted{{"pods", "error", reasonMalformed}}, seen); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWireAnswers(t *testing.T) {
	charset := post(goodReview)
	charset.Header.Set("Content-Type", "application/json; charset=utf-8")
	terminating := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "s", errors.New("namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: "NamespaceTerminating"}}
	refused := mutate.Deny(mutate.ReasonRefused, "refused")
	refused.Err = terminating
	tests := map[string]struct {
		request *http.Request
		verdict Verdict
		err     error
		want    string
		seen    admitted
	}{
		"a patch": {
			post(goodReview), Verdict{Reason: ReasonInjected, Connections: []string{"a", "b"}, Warnings: []string{"w"},
				Patch: mutate.Patch{{Op: "add", Path: "/x", Value: ""}}}, nil,
			`{"uid":"u1","allowed":true,"patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL3giLCJ2YWx1ZSI6IiJ9XQ==","patchType":"JSONPatch",` +
				`"auditAnnotations":{"connections":"a,b","reason":"Injected"},"warnings":["w"]}`,
			admitted{"pods", "allowed", ReasonInjected},
		},
		"no patch": {charset, Verdict{Reason: ReasonUnchanged}, nil,
			`{"uid":"u1","allowed":true,"auditAnnotations":{"reason":"Unchanged"}}`, admitted{"pods", "allowed", ReasonUnchanged}},
		"a denial": {
			post(goodReview), Verdict{Patch: mutate.Patch{{Op: "add", Path: "/x"}}}, refused,
			`{"uid":"u1","allowed":false,"status":{"metadata":{},"status":"Failure","message":"refused","reason":"Forbidden",` +
				`"details":{"causes":[{"reason":"NamespaceTerminating"}]},"code":403},"auditAnnotations":{"reason":"ProvisioningRefused"}}`,
			admitted{"pods", "denied", mutate.ReasonRefused},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := func(_ context.Context, r *Request) (Verdict, error) {
				if r.Namespace != "shop" || string(r.Object) != "{}" {
					t.Errorf("request %+v", r)
				}
				return test.verdict, test.err
			}
			response, body, seen := serve(t, d, logr.Discard(), test.request)
			if response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("got %s, %s: %s", response.Status, response.Header.Get("Content-Type"), body)
			}
			var review struct {
				admissionv1.AdmissionReview
				Response json.RawMessage `json:"response"`
			}
			if err := json.Unmarshal([]byte(body), &review); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(review.Response)); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]admitted{test.seen}, seen); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

// Where nothing could be decided the failurePolicy has to, which takes an HTTP
// status that is not 2xx; an answer "not allowed" would be a verdict.
func TestUndecided(t *testing.T) {
	response, body, seen := serve(t, func(context.Context, *Request) (Verdict, error) {
		return Verdict{}, errors.New("the API server is away")
	}, logr.Discard(), post(goodReview))
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "1" || strings.Contains(body, "allowed") {
		t.Errorf("got %s, Retry-After %q: %s", response.Status, response.Header.Get("Retry-After"), body)
	}
	if diff := cmp.Diff([]admitted{{"pods", "error", reasonInternalError}}, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	logger := funcr.New(func(prefix, args string) { log.WriteString(prefix + args) }, funcr.Options{})
	response, body, seen := serve(t, func(context.Context, *Request) (Verdict, error) {
		panic("canary-value")
	}, logger, post(goodReview))
	if response.StatusCode != 500 || strings.Contains(body, "allowed") {
		t.Errorf("got %s: %s", response.Status, body)
	}
	if strings.Contains(body+log.String(), "canary-value") || !strings.Contains(log.String(), "endpoint_test.go") {
		t.Errorf("body %q, log %q: want the stack and no value", body, log.String())
	}
	if diff := cmp.Diff([]admitted{{"pods", "panic", reasonPanic}}, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestBudget(t *testing.T) {
	for timeout, want := range map[string]time.Duration{
		"10s": 9500 * time.Millisecond, "2s": 1500 * time.Millisecond, "1s": defaultBudget,
		"": defaultBudget, "x": defaultBudget, "-1s": defaultBudget, "1000h": 29500 * time.Millisecond,
	} {
		if got := budget("timeout=" + timeout); got != want {
			t.Errorf("budget(%q) = %s, want %s", timeout, got, want)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func FuzzEndpoint(f *testing.F) {
	f.Add([]byte(goodReview))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","uid":"v"}}`))
	f.Add([]byte("\xff\xfe{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := post("")
		r.Body = io.NopCloser(bytes.NewReader(body))
		var uid string
		response, answer, _ := serve(t, func(_ context.Context, r *Request) (Verdict, error) {
			uid = string(r.UID)
			return Verdict{}, nil
		}, logr.Discard(), r)
		if response.StatusCode == 200 {
			var review admissionv1.AdmissionReview
			if err := json.Unmarshal([]byte(answer), &review); err != nil || string(review.Response.UID) != uid || uid == "" {
				t.Errorf("a verdict under uid %q for %q: %s", uid, body, answer)
			}
		} else if response.StatusCode < 400 || strings.Contains(answer, `"allowed"`) {
			t.Errorf("got %s: %s", response.Status, answer)
		}
	})
}
