// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package samples

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/connections/catalogue"
)

func TestFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ service, auth, want string }{
		"credentials and defaults": {"postgresql", "Secret", `apiVersion: v1
kind: Secret
metadata:
  name: postgresql-credentials
stringData:
  password: replace-me
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata:
  name: postgresql
spec:
  target:
    service: postgresql
    parameters:
      database: orders
      host: server.data.svc
      user: app
  auth:
    type: Secret
    secretRef:
      name: postgresql-credentials
`},
		"an identity": {"keyvault", "WorkloadIdentity", `apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata:
  name: keyvault
spec:
  target:
    service: keyvault
    parameters:
      vault: shop-vault
  auth:
    type: WorkloadIdentity
    workloadIdentity:
      clientID: "11111111-2222-3333-4444-555555555555"
      tenantID: "99999999-8888-7777-6666-555555555555"
`},
		"the driver of a vault": {"keyvault", "KeyVaultCSI", `apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata:
  name: keyvault
spec:
  target:
    service: keyvault
    parameters:
      vault: shop-vault
  auth:
    type: KeyVaultCSI
    keyVaultCSI:
      clientID: "11111111-2222-3333-4444-555555555555"
      tenantID: "99999999-8888-7777-6666-555555555555"
      objects:
      - name: orders-password
        variable: ORDERS_PASSWORD
`},
		"settings of its own": {"custom", "Secret", `apiVersion: v1
kind: Secret
metadata:
  name: custom-credentials
stringData:
  password: replace-me
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata:
  name: custom
spec:
  target:
    service: custom
    parameters:
      host: server.data.svc
      user: app
  settings:
  - name: BROKER_URL
    value: "mqtts://{user|url}:{password|url}@{host}:8883"
  auth:
    type: Secret
    secretRef:
      name: custom-credentials
`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, _ := catalogue.Lookup(test.service)
			got, err := For(service, test.auth)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	service, _ := catalogue.Lookup("s3")
	_, err := For(service, "WorkloadIdentity")
	var unsupported *catalogue.UnsupportedAuthError
	if !errors.As(err, &unsupported) {
		t.Errorf("an auth type that is not offered: %v", err)
	}
}

// object is what of a sample matters here.
type object struct {
	Kind       string                `json:"kind"`
	Metadata   struct{ Name string } `json:"metadata"`
	StringData map[string]string     `json:"stringData"`
	Spec       struct {
		Target struct {
			Service    string            `json:"service"`
			Parameters map[string]string `json:"parameters"`
		} `json:"target"`
		Auth struct {
			Type             string                `json:"type"`
			SecretRef        struct{ Name string } `json:"secretRef"`
			ServicePrincipal map[string]string     `json:"servicePrincipal"`
			WorkloadIdentity map[string]string     `json:"workloadIdentity"`
			KeyVaultCSI      map[string]any        `json:"keyVaultCSI"`
		} `json:"auth"`
		Settings []struct{ Name, Value string } `json:"settings"`
	} `json:"spec"`
}

// Every sample must render for every client type, with what it holds and the
// service's defaults.
func TestSamplesAreComplete(t *testing.T) {
	t.Parallel()
	for _, s := range catalogue.Services() {
		for _, auth := range AuthTypes(s) {
			t.Run(s.Key+"/"+auth, func(t *testing.T) {
				t.Parallel()
				connection, values := read(t, s, auth)
				for _, client := range catalogue.ClientTypes() {
					for _, template := range templates(t, s, connection, client) {
						_, err := catalogue.Render(template, func(name string) (string, bool) {
							if value, ok := values[name]; ok {
								return value, value != ""
							}
							return s.Default(name)
						})
						if err != nil {
							t.Errorf("%s: %s: %v", client, template, err)
						}
					}
				}
			})
		}
	}
}

// read parses a sample, checks its objects against each other and returns the
// Connection and all values.
func read(t *testing.T, s *catalogue.Service, auth string) (connection object, values map[string]string) {
	t.Helper()
	content, err := For(s, auth)
	if err != nil {
		t.Fatal(err)
	}
	var objects []object
	for _, document := range bytes.Split(content, []byte("---\n")) {
		var o object
		if err := yaml.Unmarshal(document, &o); err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		objects = append(objects, o)
	}
	connection = objects[len(objects)-1]
	spec := connection.Spec
	if connection.Kind != "Connection" || connection.Metadata.Name != s.Key || spec.Target.Service != s.Key || spec.Auth.Type != auth {
		t.Errorf("not a connection to %s with %s: %+v", s.Key, auth, connection)
	}
	values = map[string]string{}
	maps.Copy(values, spec.Target.Parameters)
	if len(objects) == 2 {
		if o := objects[0]; o.Kind != "Secret" || o.Metadata.Name != CredentialsName(s) || spec.Auth.SecretRef.Name != CredentialsName(s) {
			t.Errorf("credentials %+v, reference %+v", o, spec.Auth.SecretRef)
		}
		maps.Copy(values, objects[0].StringData)
	}
	identity := map[string]map[string]string{"ServicePrincipal": spec.Auth.ServicePrincipal, "WorkloadIdentity": spec.Auth.WorkloadIdentity}[auth]
	if identity != nil {
		values["client_id"], values["tenant_id"] = identity["clientID"], identity["tenantID"]
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Target.Parameters)) {
		if catalogue.Credential(name) {
			t.Errorf("%s is a credential among the parameters", name)
		}
	}
	if wants := auth == "Secret" || auth == "ServicePrincipal"; (len(objects) == 2) != wants {
		t.Errorf("%d objects", len(objects))
	}
	return connection, values
}

func templates(t *testing.T, s *catalogue.Service, connection object, client string) []string {
	t.Helper()
	var all []string
	for _, setting := range connection.Spec.Settings {
		all = append(all, setting.Value)
	}
	if connection.Spec.Auth.Type == keyVaultCSI {
		return all
	}
	settings, err := s.Settings(connection.Spec.Auth.Type, client)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range settings {
		all = append(all, setting.Value)
	}
	if len(all) == 0 {
		t.Error("no settings")
	}
	return all
}
