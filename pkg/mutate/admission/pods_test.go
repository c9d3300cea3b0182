// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const clientID = "aaaaaaaa-0000-0000-0000-000000000000"

// world stands for the cluster: what it offers, and what was asked of it.
type world struct {
	offers  map[string]connections.Offer
	checked error
	made    []string
}

func (w *world) Offers(_ context.Context, namespace string, names []string) ([]connections.Offer, error) {
	offers := make([]connections.Offer, 0, len(names))
	for _, name := range names {
		offer, ok := w.offers[name]
		if !ok {
			return nil, connections.Unavailable(name, namespace, nil)
		}
		offers = append(offers, offer)
	}
	return offers, nil
}

func (w *world) EnsureServiceAccount(_ context.Context, _ string, b *connections.Binding, mode provision.Mode) (bool, error) {
	w.made = append(w.made, b.ServiceAccount)
	return mode == provision.Write, nil
}

func (w *world) EnsureSettings(_ context.Context, _ string, b *connections.Binding, _ provision.Mode) error {
	w.made = append(w.made, b.Secret)
	return nil
}

func (w *world) Check(context.Context, *connections.Binding) error { return w.checked }

func (w *world) Carries(context.Context, string, string, v1alpha1.WorkloadIdentity) (bool, error) {
	return true, nil
}

func blob(t testing.TB, name string) *connections.Binding {
	t.Helper()
	b, err := connections.Bind(connections.Definition{Name: name, Namespace: "shop", Spec: v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "a"}},
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newWorld(t testing.TB) *world {
	t.Helper()
	problem := &connections.Problem{Reason: "R", Message: "it is broken"}
	return &world{offers: map[string]connections.Offer{
		"a":       {Binding: blob(t, "a")},
		"b":       {Binding: blob(t, "b")},
		"broken":  {Problem: problem},
		"doubted": {Binding: blob(t, "doubted"), Doubt: problem},
	}}
}

func (w *world) decide(t *testing.T, pod string, dryRun bool) (Verdict, error) {
	t.Helper()
	pods := &Pods{Directory: w, Provisioner: w, Inspector: w}
	return pods.Decide(t.Context(), &Request{UID: "u", Namespace: "shop", DryRun: dryRun, Object: json.RawMessage(pod)})
}

// What a pod and the definitions can be denied for comes before anything is made.
func TestDenialsMakeNothing(t *testing.T) {
	annotated := func(annotations, spec string) string {
		return `{"metadata":{"annotations":{` + annotations + `}},"spec":{"containers":[{"name":"app"}]` + spec + `}}`
	}
	for name, test := range map[string]struct {
		pod    string
		reason mutate.Reason
	}{
		"malformed":         {annotated(`"serviceconnector.dev/connections":"A"`, ``), mutate.ReasonMalformed},
		"unknown":           {annotated(`"serviceconnector.dev/connections":"a,zzz"`, ``), mutate.ReasonUnknown},
		"broken":            {annotated(`"serviceconnector.dev/connections":"a,broken"`, ``), mutate.ReasonNotReady},
		"clash":             {annotated(`"serviceconnector.dev/connections":"a,b"`, ``), mutate.ReasonVariables},
		"unknown container": {annotated(`"serviceconnector.dev/connections":"a","serviceconnector.dev/containers":"x"`, ``), mutate.ReasonContainer},
		"label": {`{"metadata":{"annotations":{"serviceconnector.dev/connections":"a"},"labels":{"azure.workload.identity/use":"no"}},"spec":{}}`,
			mutate.ReasonLabel},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.decide(t, test.pod, false)
			var denial *mutate.Denial
			if !errors.As(err, &denial) || denial.Reason != test.reason {
				t.Errorf("got %v, want %s", err, test.reason)
			}
			if len(w.made) > 0 {
				t.Errorf("made %v for a pod that is refused", w.made)
			}
		})
	}
}

// A status that says no is checked before a pod is denied for it.
func TestDoubt(t *testing.T) {
	const pod = `{"metadata":{"annotations":{"serviceconnector.dev/connections":"doubted"}},"spec":{"containers":[{"name":"app"}]}}`
	w := newWorld(t)
	if verdict, err := w.decide(t, pod, false); err != nil || verdict.Reason != ReasonInjected {
		t.Errorf("a doubt that does not hold: %v, %v", verdict.Reason, err)
	}
	w.checked = &connections.Problem{Reason: "R", Message: "it still is"}
	if _, err := w.decide(t, pod, false); err == nil || err.Error() != `connection "doubted" is not ready: it still is` {
		t.Errorf("a doubt that holds: %v", err)
	}
	w.checked = errors.New("away")
	var denial *mutate.Denial
	if _, err := w.decide(t, pod, false); err == nil || errors.As(err, &denial) {
		t.Errorf("a doubt that cannot be looked at: %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		pod    string
		dryRun bool
		want   Verdict
		made   []string
	}{
		"mirror":        {pod: `{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x","serviceconnector.dev/connections":"a"}}}`, want: Verdict{Reason: ReasonMirrorPod}},
		"not annotated": {pod: `{"metadata":{}}`, want: Verdict{Reason: ReasonNotAnnotated}},
		"nothing asked": {pod: `{"metadata":{"annotations":{"serviceconnector.dev/connections":","}}}`, want: Verdict{Reason: ReasonNothingAsked,
			Warnings: []string{"annotation serviceconnector.dev/connections names no connection; nothing was injected"}}},
		"the author's account": {pod: `{"metadata":{"annotations":{"serviceconnector.dev/connections":"a"}},"spec":{"serviceAccountName":"own"}}`,
			want: Verdict{Reason: ReasonInjected, Connections: []string{"a"}}, made: []string{"sc-a-secret"}},
		"dry run": {pod: `{"metadata":{"annotations":{"serviceconnector.dev/connections":"a"}},"spec":{}}`, dryRun: true,
			want: Verdict{Reason: ReasonInjected, Connections: []string{"a"},
				Warnings: []string{`dry run: service account "sc-account-` + clientID + `" would be made; its name is left out of the pod`}},
			made: []string{"sc-account-" + clientID, "sc-a-secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			got, err := w.decide(t, test.pod, test.dryRun)
			for _, operation := range got.Patch {
				if operation.Path == "/spec/serviceAccountName" {
					t.Errorf("the service account is patched: %v", operation)
				}
			}
			got.Patch = nil
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("verdict (-want +got), %v:\n%s", err, diff)
			}
			if diff := cmp.Diff(test.made, w.made); diff != "" {
				t.Errorf("made (-want +got):\n%s", diff)
			}
		})
	}
}
