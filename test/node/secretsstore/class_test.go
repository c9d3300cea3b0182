// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const oneObject = "array:\n  - |\n    objectName: password\n    objectType: secret\n"

func TestRequest(t *testing.T) {
	good := map[string]string{"keyvaultName": "orders", "tenantId": "t", "objects": oneObject}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(good)
		maps.Copy(all, more)
		return all
	}
	tests := map[string]struct {
		provider   string
		parameters map[string]string
		tokens     string
		want       []object
		err        string
	}{
		"an object":         {"azure", good, "", []object{{Name: "password", Type: "secret"}}, ""},
		"tenantID":          {"azure", map[string]string{"keyvaultName": "orders", "tenantID": "t", "objects": oneObject}, "", []object{{Name: "password", Type: "secret"}}, ""},
		"alias and version": {"azure", with(map[string]string{"objects": `array: ["{objectName: a, objectAlias: b, objectType: cert, objectVersion: v}"]`}), "", []object{{Name: "a", Alias: "b", Type: "cert", Version: "v"}}, ""},
		"another provider":  {"vault", good, "", nil, `provider not found: provider "vault"`},
		"no vault":          {"azure", with(map[string]string{"keyvaultName": ""}), "", nil, "keyvaultName is not set"},
		"no tenant":         {"azure", with(map[string]string{"tenantId": ""}), "", nil, "tenantId is not set"},
		"no objects":        {"azure", with(map[string]string{"objects": ""}), "", nil, "objects is not set"},
		"an empty list":     {"azure", with(map[string]string{"objects": "array: []"}), "", nil, "objects array is empty"},
		"a list of maps": {"azure", with(map[string]string{"objects": "array: [{objectName: a, objectType: secret}]"}), "", nil,
			"failed to yaml unmarshal objects, error: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field .array of type string"},
		"no type": {"azure", with(map[string]string{"objects": `array: ["objectName: a"]`}), "", nil,
			`invalid vaultObjectType. Should be secret, key, or cert; it is "" for objectName:a`},
		"a way out of the folder": {"azure", with(map[string]string{"objects": `array: ["{objectName: a, objectAlias: ../b, objectType: secret}"]`}), "", nil, `invalid file name "../b"`},
		"an identity with its token": {"azure", with(map[string]string{"clientID": "c"}), `{"api://AzureADTokenExchange":{"token":"t"}}`,
			[]object{{Name: "password", Type: "secret"}}, ""},
		"an identity with another's token": {"azure", with(map[string]string{"clientID": "c"}), `{"vault":{"token":"t"}}`, nil, "token for audience api://AzureADTokenExchange not found"},
		"an identity without tokens":       {"azure", with(map[string]string{"clientID": "c"}), "", nil, "failed to unmarshal service account tokens: unexpected end of JSON input"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c class
			c.Spec.Provider, c.Spec.Parameters = test.provider, test.parameters
			got, err := c.request(test.tokens)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != test.err {
				t.Fatalf("error %q, want %q", said, test.err)
			}
			if diff := cmp.Diff(test.want, got.objects); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	wanted := secretObject{SecretName: "s", Labels: map[string]string{"a": "b"}}
	wanted.Data = append(wanted.Data, struct {
		ObjectName string `json:"objectName"`
		Key        string `json:"key"`
	}{"file", "KEY"})
	got, err := wanted.secret("ns", map[string][]byte{"file": []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "b", managedLabel: "true"}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if got.Type != "Opaque" || string(got.Data["KEY"]) != "x" {
		t.Errorf("type %s, data %q", got.Type, got.Data)
	}
	if _, err := wanted.secret("ns", nil); err == nil {
		t.Error("a file that is not there makes a Secret")
	}
}
