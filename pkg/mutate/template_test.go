// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCopyAnnotations(t *testing.T) {
	const a, b = "e40c292c", "e70c2de5" // the digests of "a" and "b"
	deployment := func(metadata, template string) string {
		return `{"metadata":{"annotations":{` + metadata + `}},"spec":{"template":{"metadata":{"annotations":{` + template + `}}}}}`
	}
	tests := map[string]struct {
		kind, workload string
		created        bool
		want           string
	}{
		"copied and marked": {
			"Deployment", `{"metadata":{"annotations":{"serviceconnector.dev/connections":"a","own":"x"}},"spec":{"template":{"metadata":{"labels":{"a":"b"}}}}}`, true,
			`[{"op":"add","path":"/spec/template/metadata/annotations","value":{"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:` + a + `"}}]`,
		},
		"beside the author's": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"a"`, `"own":"x"`), false,
			`[{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1connections","value":"a"},` +
				`{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied","value":"connections:` + a + `"}]`,
		},
		"a template without metadata": {
			"Deployment", `{"metadata":{"annotations":{"serviceconnector.dev/connections":"a"}},"spec":{"template":{}}}`, false,
			`[{"op":"add","path":"/spec/template/metadata","value":{"annotations":{"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:` + a + `"}}}]`,
		},
		"a CronJob": {
			"CronJob", `{"metadata":{"annotations":{"serviceconnector.dev/connections":"a"}},"spec":{"jobTemplate":{"spec":{"template":{"metadata":{}}}}}}`, true,
			`[{"op":"add","path":"/spec/jobTemplate/spec/template/metadata/annotations","value":{"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:` + a + `"}}]`,
		},
		"the author's template wins": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"a"`, `"serviceconnector.dev/connections":"b"`), false, ``,
		},
		"in step already": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"a"`, `"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:`+a+`"`), false, ``,
		},
		"changed on the workload": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"b"`, `"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:`+a+`"`), false,
			`[{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1connections","value":"b"},` +
				`{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied","value":"connections:` + b + `"}]`,
		},
		"changed in the template, by its author": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"a"`, `"serviceconnector.dev/connections":"b","serviceconnector.dev/copied":"connections:`+a+`"`), false,
			`[{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied"}]`,
		},
		"moved into the template, with another value": {
			"Deployment", deployment(``, `"serviceconnector.dev/connections":"b","serviceconnector.dev/copied":"connections:`+a+`"`), false,
			`[{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied"}]`,
		},
		"removed": {
			"Deployment", deployment(``, `"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:`+a+`","own":"x"`), false,
			`[{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1connections"},` +
				`{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied"}]`,
		},
		"created from an exported template": {
			"Deployment", deployment(``, `"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:`+a+`"`), true,
			`[{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied"}]`,
		},
		"created from an exported workload": {
			"Deployment", deployment(`"serviceconnector.dev/connections":"b"`, `"serviceconnector.dev/connections":"a","serviceconnector.dev/copied":"connections:`+a+`"`), true,
			`[{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1connections","value":"b"},` +
				`{"op":"add","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied","value":"connections:` + b + `"}]`,
		},
		"a mark removes nothing but ours": {
			"Deployment", deployment(``, `"serviceconnector.dev/copied":"own:0,../own:1","serviceconnector.dev/own":"x"`), false,
			`[{"op":"remove","path":"/spec/template/metadata/annotations/serviceconnector.dev~1copied"}]`,
		},
		"nothing asked": {"Deployment", `{"metadata":{"annotations":{"own":"x"}},"spec":{"template":{"metadata":{}}}}`, true, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := copyRaw(t, test.kind, []byte(test.workload), test.created)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}

// A template that comes from the workload's controller is left to that.
func TestDerived(t *testing.T) {
	owned := `{"metadata":{"ownerReferences":[{"kind":"X"},{"kind":"Y","controller":true}]},"spec":{"template":{}}}`
	bare := `{"metadata":{"ownerReferences":[{"kind":"X"}]},"spec":{"template":{}}}`
	for kind, want := range map[string]bool{"ReplicaSet": true, "Job": false, "Deployment": false, "StatefulSet": false} {
		for raw, controlled := range map[string]bool{owned: true, bare: false} {
			workload, err := DecodeWorkload(kind, []byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			if got := workload.Derived; got != (want && controlled) {
				t.Errorf("%s, %s: derived %v", kind, raw, got)
			}
		}
	}
}
