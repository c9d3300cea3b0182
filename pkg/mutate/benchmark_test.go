// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"fmt"
	"strings"
	"testing"
)

// benched is a pod with what one has in a cluster, its request, and what it is to be
// injected with.
func benched(b testing.TB) (raw []byte, pod Pod, request Request, injections []Injection) {
	b.Helper()
	var containers []string
	for i := range 3 {
		containers = append(containers, fmt.Sprintf(`{"name":"app%d","image":"example.com/web:1","env":[%s{"name":"LAST","value":"x"}]}`,
			i, strings.Repeat(`{"name":"VARIABLE","value":"some value"},`, 8)))
	}
	raw = []byte(`{"metadata":{"generateName":"web-","labels":{"app":"web"},"annotations":{"serviceconnector.dev/connections":"orders-db, receipts"},` +
		`"managedFields":[{"manager":"kubectl","fieldsV1":{"f:metadata":{` + strings.Repeat(`"f:x":{},`, 150) + `"f:y":{}}}}]},` +
		`"spec":{"serviceAccountName":"default","containers":[` + strings.Join(containers, ",") + `]}}`)
	pod, err := DecodePod(raw)
	if err != nil {
		b.Fatal(err)
	}
	if request, err = ParseRequest(pod.Metadata.Annotations); err != nil {
		b.Fatal(err)
	}
	injections = []Injection{
		{Connection: "orders-db", Revision: "0123456789ab", Secret: "sc-orders-db-secret"},
		{Connection: "receipts", Revision: "0123456789ab", Secret: "sc-receipts-secret", ServiceAccount: "sc-account-x", WorkloadIdentity: true},
	}
	return raw, pod, request, injections
}

func BenchmarkDecodePod(b *testing.B) {
	raw, _, _, _ := benched(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePod(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	_, pod, _, _ := benched(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRequest(pod.Metadata.Annotations); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInject(b *testing.B) {
	_, pod, request, injections := benched(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Inject(pod, request, injections); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodePatch(b *testing.B) {
	_, pod, request, injections := benched(b)
	patch, err := Inject(pod, request, injections)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := patch.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}
