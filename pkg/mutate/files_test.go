// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	mounted = Injection{Connection: "db", Revision: "r", Files: &Files{Secret: "sc-db-secret"}}
	vault   = Injection{Connection: "kv", Revision: "r", Secret: "sc-kv-secret",
		Files: &Files{ProviderClass: "sc-kv-secretprovider", Path: "/mnt/secrets-store/kv"}}
)

func TestFiles(t *testing.T) {
	const meta = `"metadata":{"annotations":{"serviceconnector.dev/injected":"`
	tests := map[string]struct {
		pod        string
		injections []Injection
		want       string
	}{
		"a Secret below the binding root": {
			`{` + meta + `db@r"}},"spec":{"containers":[{"name":"app"}]}}`, []Injection{mounted},
			`[{"op":"add","path":"/spec/volumes","value":[{"name":"sc-db","secret":{"secretName":"sc-db-secret"}}]},` +
				`{"op":"add","path":"/spec/containers/0/volumeMounts","value":[{"name":"sc-db","mountPath":"/bindings/db","readOnly":true}]},` +
				`{"op":"add","path":"/spec/containers/0/env","value":[{"name":"SERVICE_BINDING_ROOT","value":"/bindings"}]}]`,
		},
		"beside the author's, at his root": {
			`{` + meta + `db@r"}},"spec":{"volumes":[{"name":"own"}],"containers":[{"name":"app","env":[{"name":"SERVICE_BINDING_ROOT","value":"/platform/bindings"}],"volumeMounts":[{"name":"own","mountPath":"/own"}]}]}}`,
			[]Injection{mounted},
			`[{"op":"add","path":"/spec/volumes/-","value":{"name":"sc-db","secret":{"secretName":"sc-db-secret"}}},` +
				`{"op":"add","path":"/spec/containers/0/volumeMounts/-","value":{"name":"sc-db","mountPath":"/platform/bindings/db","readOnly":true}}]`,
		},
		"in front of the author's env": {
			`{` + meta + `db@r"}},"spec":{"volumes":[{"name":"sc-db","secret":{"secretName":"sc-db-secret","defaultMode":420}}],"containers":[{"name":"app","env":[{"name":"A","value":"$(SERVICE_BINDING_ROOT)/db"}],"volumeMounts":[{"name":"sc-db","mountPath":"/bindings/db/"}]}]}}`,
			[]Injection{mounted},
			`[{"op":"add","path":"/spec/containers/0/env/0","value":{"name":"SERVICE_BINDING_ROOT","value":"/bindings"}}]`,
		},
		"a vault, and its variables": {
			`{` + meta + `kv@r"}},"spec":{"containers":[{"name":"app"}]}}`, []Injection{vault},
			`[{"op":"add","path":"/spec/volumes","value":[{"name":"sc-kv","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"sc-kv-secretprovider"}}}]},` +
				`{"op":"add","path":"/spec/containers/0/envFrom","value":[{"secretRef":{"name":"sc-kv-secret"}}]},` +
				`{"op":"add","path":"/spec/containers/0/volumeMounts","value":[{"name":"sc-kv","mountPath":"/mnt/secrets-store/kv","readOnly":true}]}]`,
		},
		"two": {
			`{` + meta + `db@r,kv@r"}},"spec":{"containers":[{"name":"app","env":[{"name":"SERVICE_BINDING_ROOT","value":"/b"}],"envFrom":[{"secretRef":{"name":"sc-kv-secret"}}]}]}}`, []Injection{mounted, vault},
			`[{"op":"add","path":"/spec/volumes","value":[{"name":"sc-db","secret":{"secretName":"sc-db-secret"}}]},` +
				`{"op":"add","path":"/spec/volumes/-","value":{"name":"sc-kv","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"sc-kv-secretprovider"}}}},` +
				`{"op":"add","path":"/spec/containers/0/volumeMounts","value":[{"name":"sc-db","mountPath":"/b/db","readOnly":true}]},` +
				`{"op":"add","path":"/spec/containers/0/volumeMounts/-","value":{"name":"sc-kv","mountPath":"/mnt/secrets-store/kv","readOnly":true}}]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := injectRaw([]byte(test.pod), Request{}, test.injections)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesDenied(t *testing.T) {
	tests := map[string]struct{ pod, want string }{
		"another volume of the name": {`{"spec":{"volumes":[{"name":"sc-db","secret":{"secretName":"own"}}],"containers":[{"name":"app"}]}}`,
			`connection "db" needs a volume named sc-db, but the pod has another one of that name; rename it`},
		"another mount at the path": {`{"spec":{"containers":[{"name":"app","volumeMounts":[{"name":"own","mountPath":"/bindings/db/"}]}]}}`,
			`container "app" mounts volume "own" at /bindings/db/, which is in the way of volume sc-db at /bindings/db; mount it elsewhere`},
		"a mount inside": {`{"spec":{"containers":[{"name":"app","volumeMounts":[{"name":"own","mountPath":"/bindings/db/x"}]}]}}`,
			`which is in the way of volume sc-db`},
		"a read-only mount around it": {`{"spec":{"containers":[{"name":"app","volumeMounts":[{"name":"own","mountPath":"/bindings","readOnly":true}]}]}}`,
			`which is in the way of volume sc-db`},
		"a root from elsewhere": {`{"spec":{"containers":[{"name":"app","env":[{"name":"SERVICE_BINDING_ROOT","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]}}`,
			`container "app" takes SERVICE_BINDING_ROOT from elsewhere, so that it is not known where the files of connection "db" belong`},
		"a root out of other variables": {`{"spec":{"containers":[{"name":"app","env":[{"name":"SERVICE_BINDING_ROOT","value":"/$(A)"}]}]}}`, `write it as a plain value`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := injectRaw([]byte(test.pod), Request{}, []Injection{mounted})
			if message := denied(t, err, ReasonVolume); !strings.Contains(message, test.want) {
				t.Errorf("message %q, want %q in it", message, test.want)
			}
		})
	}
}

// Nor do connections get into each other's way.
func TestFilesOfTwoConnections(t *testing.T) {
	const pod = `{"spec":{"containers":[{"name":"app"}]}}`
	for _, at := range []string{"/bindings/db", "/bindings/db/inside", "/bindings"} {
		other := Injection{Connection: "kv", Files: &Files{ProviderClass: "p", Path: at}}
		for _, injections := range [][]Injection{{mounted, other}, {other, mounted}} {
			_, err := injectRaw([]byte(pod), Request{}, injections)
			denied(t, err, ReasonVolume)
		}
	}
	writable := `{"spec":{"containers":[{"name":"app","volumeMounts":[{"name":"own","mountPath":"/bindings"}]}]}}`
	if _, err := injectRaw([]byte(writable), Request{}, []Injection{mounted}); err != nil {
		t.Errorf("below a volume that can be written: %v", err)
	}
}
