// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

type server struct {
	client.Reader
	minor string
	// denied is a resource, in the namespace if one is given.
	denied, namespace string
	// deniedVerb is a verb and a resource that are denied instead.
	deniedVerb string
	// only is the one namespace where there are rights, if it is given.
	only string
}

func (s server) Version() (*version.Info, error) {
	return &version.Info{Major: "1", Minor: s.minor, GitVersion: "v1." + s.minor + ".0"}, nil
}

func (s server) Allowed(_ context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	asked := spec.ResourceAttributes
	if s.only != "" && asked.Namespace != s.only && asked.Namespace != home && asked.Resource == "secrets" {
		return false, nil
	}
	if s.deniedVerb != "" {
		return asked.Verb+" "+asked.Resource != s.deniedVerb, nil
	}
	return asked.Resource != s.denied || s.namespace != "" && asked.Namespace != s.namespace, nil
}

func TestDoctor(t *testing.T) {
	for name, test := range map[string]struct {
		fault         func(*world, *server)
		check, detail string
		result        Result
	}{
		"old server": {func(_ *world, s *server) { s.minor = "29+" }, checkVersion, "too old", Failure},
		"right":      {func(_ *world, s *server) { s.denied = "serviceaccounts" }, checkRights, "create serviceaccounts", Failure},
		"right in the one namespace": {func(w *world, s *server) {
			w.serve("shop")
			s.denied, s.namespace = "serviceaccounts", "shop"
		}, checkRights, "create serviceaccounts in shop", Failure},
		"right for Azure": {func(w *world, s *server) {
			w.install("--azure-cluster=/subscriptions/sub", "--azure-federate")
			s.deniedVerb = "watch pods"
		}, checkRights, "may not watch pods", Failure},
		"right to evict": {func(w *world, s *server) {
			w.install("--evict-half-connected")
			s.deniedVerb = "create pods"
		}, checkRights, "create pods/eviction", Failure},
		"not injected": {func(w *world, _ *server) { w.strip() }, checkAnnotated, "shop/orders-1-a", Failure},
		"AKS terms": {func(w *world, _ *server) {
			selector := w.webhook(v1alpha1.PodsWebhook).NamespaceSelector
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
	bounded := newWorld(t)
	bounded.serve("shop")
	if findings := Doctor(t.Context(), server{Reader: bounded.reader(t), minor: "34", only: "shop"}, now); Worst(findings) != OK {
		t.Errorf("an installation for one namespace: %+v", findings)
	}
	if findings := Doctor(t.Context(), server{Reader: newWorld(t).reader(t), minor: "34", deniedVerb: "watch pods"}, now); Worst(findings) != OK {
		t.Errorf("without Azure: %+v", findings)
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
		"earlier values": {func(w *world) {
			w.Secret.Annotations[v1alpha1.AnnotationChanged] = created.Add(time.Second).UTC().Format(time.RFC3339)
		}, "pod orders-1-a", "runs with earlier values"},
		"present values": {func(w *world) {
			w.Secret.Annotations[v1alpha1.AnnotationChanged] = created.UTC().Format(time.RFC3339)
		}, "", ""},
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

// Namespaces that could not be brought up to date are told of.
func TestValidateTellsOfProvisioning(t *testing.T) {
	w := newWorld(t)
	w.Connection.Status.Conditions = append(w.Connection.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionProvisioned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNotUpdated, Message: "1 object: exceeded quota",
	})
	findings, err := Validate(t.Context(), w.reader(t), "shop", "orders-db")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := firstOf(findings, Warning); got.Check != "provisioned" || !strings.Contains(got.Detail, "exceeded quota") {
		t.Errorf("got %+v\nin %+v", got, findings)
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
