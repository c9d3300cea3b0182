// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func key(namespace, name string) client.ObjectKey {
	return client.ObjectKey{Namespace: namespace, Name: name}
}

// What one object can break on its own is refused at apply.
func TestAPIRules(t *testing.T) {
	s := newNamespace(t)
	tests := map[string]struct {
		name string
		spec string
		want string
	}{
		"53 characters":         {strings.Repeat("a", 53), `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}}}`, "at most 52 characters"},
		"a dot in the name":     {"a.b", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}}}`, "no dots"},
		"no secretRef":          {"a", `{target: {service: redis}, auth: {type: Secret}}`, "needs auth.secretRef"},
		"foreign member":        {"a", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}, workloadIdentity: {clientID: "` + clientA + `"}}}`, "workloadIdentity goes with type"},
		"missing member":        {"a", `{target: {service: redis}, auth: {type: WorkloadIdentity}}`, "workloadIdentity goes with type"},
		"identity, secret":      {"a", `{target: {service: redis}, auth: {type: WorkloadIdentity, secretRef: {name: x}, workloadIdentity: {clientID: "` + clientA + `"}}}`, "secretRef does not go with"},
		"principal, no key":     {"a", `{target: {service: redis}, auth: {type: ServicePrincipal, servicePrincipal: {clientID: "` + clientA + `", tenantID: "` + tenant + `"}}}`, "needs secretRef"},
		"unknown type":          {"a", `{target: {service: redis}, auth: {type: Magic}}`, "Unsupported value"},
		"no UUID":               {"a", `{target: {service: redis}, auth: {type: WorkloadIdentity, workloadIdentity: {clientID: me}}}`, "clientID"},
		"password parameter":    {"a", `{target: {service: redis, parameters: {password: x}}, auth: {type: Secret, secretRef: {name: x}}}`, "never written inline"},
		"password setting":      {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: DB_PASSWORD, value: x}]}`, "never written inline"},
		"password in a URL":     {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: URL, value: "redis://:hunter2@host"}]}`, "never written inline"},
		"password after a user": {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: DSN, value: "postgres://{user}:hunter2@{host}"}]}`, "never written inline"},
		"slash in a password":   {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: DSN, value: "redis://:hun/ter2@h"}]}`, "never written inline"},
		"a lone brace":          {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: DB_PASSWORD, value: "hunter2{"}]}`, "never written inline"},
		"password in a string":  {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: ADO, value: "Server=x;Password=hunter2"}]}`, "never written inline"},
		"short names":           {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: DB_PWD, value: x}]}`, "never written inline"},
		"a path for a Secret":   {"a", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: a/b}}}`, "should match"},
		"two sources":           {"a", `{target: {service: custom}, auth: {type: Secret}, settings: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: k}}}]}`, "either value or valueFrom"},
		"empty parameter":       {"a", `{target: {service: redis, parameters: {name: ""}}, auth: {type: Secret, secretRef: {name: x}}}`, "parameters"},
		"no namespaces":         {"cluster", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}}}`, "allowedNamespaces"},
		"no selector":           {"cluster", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}}, allowedNamespaces: {from: Selector}}`, "selector goes with"},
		"useless selector":      {"cluster", `{target: {service: redis}, auth: {type: Secret, secretRef: {name: x}}, allowedNamespaces: {from: All, selector: {}}}`, "selector goes with"},
		"cluster, no secret":    {"cluster", `{target: {service: redis}, auth: {type: Secret}, allowedNamespaces: {from: All}}`, "needs auth.secretRef"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kind := "Connection"
			if test.name == "cluster" {
				kind = "ClusterConnection"
			}
			manifest := fmt.Sprintf("apiVersion: serviceconnector.dev/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", kind, test.name, test.spec)
			_, err := controlPlane.Kubectl(t.Context(), "-n", s.name, "apply", "-f", writeFile(t, manifest))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	legal := `{target: {service: custom}, auth: {type: Secret, secretRef: {name: x}}, settings: [{name: URL, value: "redis://:{password}@host:6379/0"}, {name: DSN, value: "postgres://{user|url}:{password|url}@{host}:5432/db"},
		{name: ENDPOINT, value: "https://host:8443/path@version"}, {name: MODE, value: fast}, {name: ADO, value: "Server=x;Password={password}"}, {name: CACHE_KEY, value: orders}]}`
	manifest := "apiVersion: serviceconnector.dev/v1alpha1\nkind: Connection\nmetadata: {name: " + strings.Repeat("a", 52) + "}\nspec: " + legal + "\n"
	s.kubectl("apply", "-f", writeFile(t, manifest))
}

// Ready says for each way a connection can fail what it is and what to do.
func TestReadyReasons(t *testing.T) {
	s := newNamespace(t)
	s.credentials("good", map[string]string{"password": "p"})
	s.credentials("empty", nil)
	s.credentials("huge", map[string]string{"password": strings.Repeat("x", 200<<10)})
	with := func(change func(*v1alpha1.ConnectionSpec)) v1alpha1.ConnectionSpec {
		spec := secretSpec("good")
		change(&spec)
		return spec
	}
	tests := map[string]struct {
		spec            v1alpha1.ConnectionSpec
		reason, message string
	}{
		"good":            {with(func(*v1alpha1.ConnectionSpec) {}), v1alpha1.ReasonReady, "pods can be given"},
		"unknown-service": {with(func(s *v1alpha1.ConnectionSpec) { s.Target.Service = "postgres-flexble" }), v1alpha1.ReasonUnknownService, "postgres-flexible"},
		"unknown-client":  {with(func(s *v1alpha1.ConnectionSpec) { s.Client = "cobol" }), v1alpha1.ReasonUnknownClient, "python"},
		"unsupported-auth": {v1alpha1.ConnectionSpec{Target: v1alpha1.Target{Service: "storage-file", Parameters: map[string]v1alpha1.Parameter{"account": "a"}},
			Auth: identitySpec(clientA).Auth}, v1alpha1.ReasonUnsupportedAuth, "use Secret"},
		"unsupported-cloud": {v1alpha1.ConnectionSpec{Target: v1alpha1.Target{Service: "webpubsub", Cloud: "AzureChina", Parameters: map[string]v1alpha1.Parameter{"name": "a"}},
			Auth: identitySpec(clientA).Auth}, v1alpha1.ReasonUnsupportedCloud, "AzureChina"},
		"resource-id": {with(func(s *v1alpha1.ConnectionSpec) {
			s.Target.ResourceID = "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"
		}), v1alpha1.ReasonResourceIDMismatch, "spec.target.resourceID"},
		"unknown-placeholder": {with(func(s *v1alpha1.ConnectionSpec) { s.Settings = []v1alpha1.Setting{{Name: "A", Value: new("x{nope}")}} }),
			v1alpha1.ReasonMissingParameter, "the settings need nope"},
		"unknown-filter": {with(func(s *v1alpha1.ConnectionSpec) {
			s.Settings = []v1alpha1.Setting{{Name: "A", Value: new("{password|rot13}")}}
		}),
			v1alpha1.ReasonIllegalSetting, "rot13"},
		"illegal-rename": {with(func(s *v1alpha1.ConnectionSpec) {
			s.Rename = map[string]string{"AZURE_POSTGRESQL_CONNECTIONSTRING": "1 A"}
		}), v1alpha1.ReasonIllegalSetting, `"1 A"`},
		"missing-parameter": {with(func(s *v1alpha1.ConnectionSpec) { delete(s.Target.Parameters, "database") }), v1alpha1.ReasonMissingParameter, "set spec.target.parameters.database"},
		"unknown-parameter": {with(func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters["databse"] = "x" }), v1alpha1.ReasonUnknownParameter, `no setting uses "databse"`},
		"illegal-setting":   {with(func(s *v1alpha1.ConnectionSpec) { s.Settings = []v1alpha1.Setting{{Name: "A B", Value: new("x")}} }), v1alpha1.ReasonIllegalSetting, `"A B"`},
		"useless-rename":    {with(func(s *v1alpha1.ConnectionSpec) { s.Rename = map[string]string{"NOPE": "X"} }), v1alpha1.ReasonIllegalSetting, `no setting "NOPE"`},
		"no-credentials":    {with(func(s *v1alpha1.ConnectionSpec) { s.Auth.SecretRef.Name = "nowhere" }), v1alpha1.ReasonCredentialsNotFound, `Secret "nowhere"`},
		"incomplete":        {with(func(s *v1alpha1.ConnectionSpec) { s.Auth.SecretRef.Name = "empty" }), v1alpha1.ReasonCredentialsIncomplete, `no key "password"`},
		"too-large":         {with(func(s *v1alpha1.ConnectionSpec) { s.Auth.SecretRef.Name = "huge" }), v1alpha1.ReasonSecretTooLarge, "AZURE_POSTGRESQL_CONNECTIONSTRING"},
		"identity":          {identitySpec(clientA), v1alpha1.ReasonReady, "pods can be given"},
	}
	for name, test := range tests {
		s.connect(name, test.spec)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := (&shop{t: t, name: s.name}).wantReady(name, test.reason)
			ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
			if !strings.Contains(ready.Message, test.message) || (ready.Status == metav1.ConditionTrue) != (test.reason == v1alpha1.ReasonReady) {
				t.Errorf("status %s, message %q, want %q in it", ready.Status, ready.Message, test.message)
			}
			if test.reason == v1alpha1.ReasonReady {
				if c.Status.Binding == nil || c.Status.Binding.Name != "sc-"+name+"-secret" {
					t.Errorf("binding %+v", c.Status.Binding)
				}
				return
			}
			(&shop{t: t, name: s.name}).mustDeny(annotated(name), `connection "`+name+`" is not ready: `+ready.Message)
		})
	}
}

// An unknown service gets the three nearest names.
func TestNearestServices(t *testing.T) {
	s := newNamespace(t)
	spec := secretSpec("x")
	spec.Target.Service = "potsgresql"
	s.connect("orders", spec)
	c := s.wantReady("orders", v1alpha1.ReasonUnknownService)
	message := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady).Message
	if want := `spec.target.service "potsgresql" is not in the catalogue; the nearest are postgresql, `; !strings.HasPrefix(message, want) ||
		!strings.Contains(message, "postgresql, "+strings.Join(catalogue.Nearest("potsgresql", 3)[1:], ", ")+", and custom") {
		t.Errorf("message %q, want %q and two more", message, want)
	}
}

// A ClusterConnection has a status, too.
func TestClusterConnectionStatus(t *testing.T) {
	name := connectCluster(t, map[string]string{"shop": "none"})
	var c v1alpha1.ClusterConnection
	eventually(t, "it is ready", func() bool {
		if err := objects.Get(t.Context(), key("", name), &c); err != nil {
			t.Fatal(err)
		}
		return meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionReady) && c.Status.Binding.Name == "sc-"+name+"-secret"
	})
}

func TestColumnsAndNames(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.wantReady("receipts", v1alpha1.ReasonReady)
	for _, resource := range []string{"connections", "conn", "serviceconnector"} {
		out := s.warnings("get", resource)
		header, row, _ := strings.Cut(out, "\n")
		if got := strings.Join(strings.Fields(header), " "); got != "NAME SERVICE AUTH CLIENT READY REASON AGE" {
			t.Errorf("kubectl get %s prints the columns %q", resource, got)
		}
		row = strings.TrimPrefix(row, "connection.serviceconnector.dev/")
		if want := []string{"receipts", "storage-blob", "WorkloadIdentity", "none", "True", "Ready"}; len(strings.Fields(row)) < 7 ||
			strings.Join(strings.Fields(row)[:6], " ") != strings.Join(want, " ") {
			t.Errorf("kubectl get %s prints the row %q", resource, row)
		}
	}
}
