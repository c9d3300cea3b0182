// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type server struct {
	client.Reader
	minor  string
	denied string
}

func (s server) Version() (*version.Info, error) {
	return &version.Info{Major: "1", Minor: s.minor, GitVersion: "v1." + s.minor + ".0"}, nil
}

func (s server) Allowed(_ context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	return spec.ResourceAttributes.Resource != s.denied, nil
}

func TestDoctor(t *testing.T) {
	for name, test := range map[string]struct {
		fault         func(*world, *server)
		check, detail string
		result        Result
	}{
		"old server":   {func(_ *world, s *server) { s.minor = "29+" }, checkVersion, "too old", Failure},
		"right":        {func(_ *world, s *server) { s.denied = "serviceaccounts" }, checkRights, "create serviceaccounts", Failure},
		"not injected": {func(w *world, _ *server) { w.strip() }, checkAnnotated, "shop/orders-1-a", Failure},
		"AKS terms": {func(w *world, _ *server) {
			selector := w.webhook(podsWebhook).NamespaceSelector
			selector.MatchExpressions = selector.MatchExpressions[:1]
		}, checkAKS, "control-plane", Warning},
		"no configuration": {func(w *world, _ *server) { w.Configuration = nil }, checkWebhook, "there is no", Failure},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newWorld(t), server{minor: "34"}
			test.fault(w, &s)
			s.Reader = w.reader(t)
			findings := Doctor(t.Context(), s, now)
			got, found := firstOf(findings, test.result)
			if !found || got.Check != test.check || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("got %+v\nin %+v", got, findings)
			}
		})
	}
	well := Doctor(t.Context(), server{Reader: newWorld(t).reader(t), minor: "34"}, now)
	if Worst(well) != OK {
		t.Errorf("a healthy installation: %+v", well)
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		fault         func(*world)
		check, detail string
	}{
		"well":                   {func(*world) {}, "", ""},
		"no credentials":         {func(w *world) { w.Credentials.Name = "other" }, checkCredentials, "CredentialsNotFound"},
		"incomplete credentials": {func(w *world) { w.Credentials.Data = nil }, checkCredentials, "password"},
		"no Secret":              {func(w *world) { w.Secret = nil }, "Secret sc-orders-db-secret", "deleted"},
		"no key":                 {func(w *world) { w.Secret.Data = nil }, checkKeys, "missing"},
		"old pod": {func(w *world) { w.Pod.Annotations["serviceconnector.dev/injected"] = "orders-db@0" },
			"pod orders-1-a", "older revision"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.fault(w)
			findings, err := Validate(t.Context(), w.reader(t), "shop", "orders-db")
			if err != nil {
				t.Fatal(err)
			}
			got, _ := firstOf(findings, Failure)
			if got.Check != test.check || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("got %+v\nin %+v", got, findings)
			}
		})
	}
}

func TestLogFilter(t *testing.T) {
	about := LogFilter{Namespace: "shop", Connections: []string{"orders-db"}}
	for line, want := range map[string]bool{
		`{"msg":"provisioned","namespace":"shop","owner":"ClusterConnection/orders-db"}`:         true,
		`{"msg":"denied","namespace":"shop","message":"connection \"orders-db\" is not ready"}`:  true,
		`{"msg":"denied","namespace":"other","message":"connection \"orders-db\" is not ready"}`: false,
		`{"msg":"provisioned","namespace":"shop","owner":"ClusterConnection/reports-orders-db"}`: false,
		`{"msg":"could not read","owner":"Connection/shop/orders-db"}`:                           true,
		`no JSON`: false,
	} {
		if got := about.Match([]byte(line)); got != want {
			t.Errorf("Match(%s) = %t, want %t", line, got, want)
		}
	}
}
