// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	orders   = Injection{Connection: "orders-db", Revision: "r1", Secret: "sc-orders-db-secret"}
	receipts = Injection{Connection: "receipts", Revision: "r2", Secret: "sc-receipts-secret",
		ServiceAccount: "sc-account-1", WorkloadIdentity: true}
	waiting = Injection{Connection: "receipts", Revision: "r2", ServiceAccount: "sc-account-1", WorkloadIdentity: true, Wait: true}
)

func TestInject(t *testing.T) {
	tests := map[string]struct {
		pod        string
		request    Request
		injections []Injection
		want       string
	}{
		"a secret": {
			pod:        `{"metadata":{"annotations":{"a":"b"}},"spec":{"containers":[{"name":"app"}]}}`,
			injections: []Injection{orders},
			want: `[{"op":"add","path":"/metadata/annotations/serviceconnector.dev~1injected","value":"orders-db@r1"},` +
				`{"op":"add","path":"/spec/containers/0/envFrom","value":[{"secretRef":{"name":"sc-orders-db-secret"}}]}]`,
		},
		"an identity": {
			pod:        `{"metadata":{"annotations":{"a":"b"},"labels":{"pod-template-hash":"x"}},"spec":{"serviceAccountName":"default","containers":[{"name":"app"}]}}`,
			injections: []Injection{receipts},
			want: `[{"op":"add","path":"/metadata/annotations/serviceconnector.dev~1injected","value":"receipts@r2"},` +
				`{"op":"add","path":"/metadata/labels/azure.workload.identity~1use","value":"true"},` +
				`{"op":"add","path":"/spec/serviceAccountName","value":"sc-account-1"},` +
				`{"op":"add","path":"/spec/containers/0/envFrom","value":[{"secretRef":{"name":"sc-receipts-secret"}}]}]`,
		},
		"an identity that is to be waited for": {
			pod:        `{"metadata":{"annotations":{"serviceconnector.dev/injected":"receipts@r2"}},"spec":{"serviceAccountName":"sc-account-1","containers":[]}}`,
			injections: []Injection{waiting},
			want: `[{"op":"add","path":"/metadata/labels","value":{"azure.workload.identity/use":"true"}},` +
				`{"op":"add","path":"/metadata/labels/serviceconnector.dev~1gated","value":"true"},` +
				`{"op":"add","path":"/spec/schedulingGates","value":[{"name":"serviceconnector.dev/provisioning"}]}]`,
		},
		"behind the author's gates": {
			pod: `{"metadata":{"annotations":{"serviceconnector.dev/injected":"receipts@r2"},"labels":{"azure.workload.identity/use":"true","serviceconnector.dev/gated":"true"}},` +
				`"spec":{"serviceAccountName":"sc-account-1","schedulingGates":[{"name":"example.com/own"}],"containers":[]}}`,
			injections: []Injection{waiting},
			want:       `[{"op":"add","path":"/spec/schedulingGates/-","value":{"name":"serviceconnector.dev/provisioning"}}]`,
		},
		"a pod that names its node never waits": {
			pod: `{"metadata":{"annotations":{"serviceconnector.dev/injected":"receipts@r2"},"labels":{"azure.workload.identity/use":"true"}},` +
				`"spec":{"serviceAccountName":"sc-account-1","nodeName":"node-1","containers":[]}}`,
			injections: []Injection{waiting},
			want:       ``,
		},
		"no labels and no annotations yet": {
			pod:        `{"metadata":{"labels":null},"spec":{"containers":[]}}`,
			injections: []Injection{receipts},
			want: `[{"op":"add","path":"/metadata/annotations","value":{"serviceconnector.dev/injected":"receipts@r2"}},` +
				`{"op":"add","path":"/metadata/labels","value":{"azure.workload.identity/use":"true"}},` +
				`{"op":"add","path":"/spec/serviceAccountName","value":"sc-account-1"}]`,
		},
		"ahead of the author's, in the request's order": {
			pod: `{"metadata":{"annotations":{"serviceconnector.dev/injected":"orders-db@r1,receipts@r2"},"labels":{"azure.workload.identity/use":"true"}},` +
				`"spec":{"serviceAccountName":"sc-account-1","containers":[{"name":"app","envFrom":[{"configMapRef":{"name":"own"}}]}]}}`,
			injections: []Injection{orders, receipts},
			want: `[{"op":"add","path":"/spec/containers/0/envFrom/0","value":{"secretRef":{"name":"sc-orders-db-secret"}}},` +
				`{"op":"add","path":"/spec/containers/0/envFrom/1","value":{"secretRef":{"name":"sc-receipts-secret"}}}]`,
		},
		"a prefix": {
			pod:        `{"metadata":{"annotations":{"serviceconnector.dev/injected":"orders-db@r1"}},"spec":{"containers":[{"name":"app","envFrom":[{"secretRef":{"name":"sc-orders-db-secret"}}]}]}}`,
			request:    Request{Prefixes: map[string]string{"orders-db": "ORDERS_"}},
			injections: []Injection{orders},
			want:       `[{"op":"add","path":"/spec/containers/0/envFrom/0","value":{"prefix":"ORDERS_","secretRef":{"name":"sc-orders-db-secret"}}}]`,
		},
		"only the named containers, of either kind": {
			pod: `{"metadata":{"annotations":{"serviceconnector.dev/injected":"orders-db@r1"}},` +
				`"spec":{"initContainers":[{"name":"init"},{"name":"other"}],"containers":[{"name":"sidecar","envFrom":null},{"name":"app","envFrom":null}]}}`,
			request:    Request{Containers: []string{"app", "init"}},
			injections: []Injection{orders},
			want: `[{"op":"add","path":"/spec/initContainers/0/envFrom","value":[{"secretRef":{"name":"sc-orders-db-secret"}}]},` +
				`{"op":"add","path":"/spec/containers/1/envFrom","value":[{"secretRef":{"name":"sc-orders-db-secret"}}]}]`,
		},
		"a forged or copied mark": {
			pod:        `{"metadata":{"annotations":{"serviceconnector.dev/injected":"orders-db@r0"}},"spec":{"containers":[{"name":"app"}]}}`,
			injections: []Injection{orders},
			want: `[{"op":"add","path":"/metadata/annotations/serviceconnector.dev~1injected","value":"orders-db@r1"},` +
				`{"op":"add","path":"/spec/containers/0/envFrom","value":[{"secretRef":{"name":"sc-orders-db-secret"}}]}]`,
		},
		"nothing to inject": {pod: `{"metadata":{},"spec":{"containers":[{"name":"app"}]}}`, want: ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			patch, err := Inject(mustDecode(t, test.pod), test.request, test.injections)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := patch.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(raw)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInjectDenies(t *testing.T) {
	pod := `{"metadata":{"labels":{"azure.workload.identity/use":"false"}},"spec":{"initContainers":[{"name":"init"}],"containers":[{"name":"app"}]}}`
	_, err := Inject(mustDecode(t, pod), Request{Containers: []string{"web"}}, []Injection{orders})
	message := denied(t, err, ReasonContainer)
	if want := `names container "web", which the pod does not have; it has init, app`; !strings.Contains(message, want) {
		t.Errorf("message %q, want %q in it", message, want)
	}
	_, err = Inject(mustDecode(t, pod), Request{}, []Injection{receipts})
	message = denied(t, err, ReasonLabel)
	if want := `connection "receipts" needs the label azure.workload.identity/use=true, but the pod sets it to "false"`; !strings.Contains(message, want) {
		t.Errorf("message %q, want %q in it", message, want)
	}
}

func TestPod(t *testing.T) {
	mirror := mustDecode(t, `{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}}`)
	if !mirror.Mirror() {
		t.Error("a mirror pod is not taken for one")
	}
	for account, want := range map[string]string{"": "", "default": "", "web": "web"} {
		pod := Pod{Spec: PodSpec{ServiceAccountName: account}}
		if got := pod.ServiceAccount(); got != want {
			t.Errorf("service account %q counts as %q, want %q", account, got, want)
		}
	}
	if _, err := DecodePod([]byte(`{"metadata":[]}`)); err == nil {
		t.Error("metadata that is a list was decoded")
	}
	if pod := mustDecode(t, `{"Metadata":{"annotations":{"a":"b"}}}`); pod.Metadata.Annotations != nil {
		t.Error("field names are matched without regard to case")
	}
}

func mustDecode(t *testing.T, raw string) Pod {
	t.Helper()
	pod, err := DecodePod([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return pod
}
