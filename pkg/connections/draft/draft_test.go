// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// A front end that answers every need with the catalogue's example gets a
// connection, for every service, auth type and client type.
func TestEveryNeedCanBeMet(t *testing.T) {
	t.Parallel()
	for _, service := range catalogue.Services() {
		for _, auth := range samples.AuthTypes(service) {
			for _, client := range catalogue.ClientTypes() {
				t.Run(service.Key+"/"+auth+"/"+client, func(t *testing.T) {
					t.Parallel()
					d := &Draft{Name: "it", Namespace: "shop"}
					d.Spec.Target.Service, d.Spec.Client = service.Key, client
					switch {
					case service.Key == catalogue.Custom:
						value := "https://{host}/"
						d.Spec.Settings = []v1alpha1.Setting{{Name: "URL", Value: &value}}
					case auth == string(v1alpha1.AuthKeyVaultCSI):
						d.Spec.Auth.KeyVaultCSI = &v1alpha1.KeyVaultCSI{Objects: []v1alpha1.VaultObject{{Name: "password"}}}
					}
					meetAll(t, d, service, auth)
					objects, err := d.Objects(service)
					if err != nil {
						t.Fatal(err)
					}
					withoutCredentials(t, objects)
				})
			}
		}
	}
}

// meetAll answers until nothing is missing; an answer that does not help would
// be asked for forever.
func meetAll(t *testing.T, d *Draft, service *catalogue.Service, auth string) {
	t.Helper()
	asked := map[string]bool{}
	for {
		needs, err := d.Needs(service)
		if err != nil {
			t.Fatal(err)
		}
		if len(needs) == 0 {
			return
		}
		need := needs[0]
		if asked[need.Name] {
			t.Fatalf("%s is asked for again", need.Name)
		}
		asked[need.Name] = true
		value := need.Example
		if need.Kind == NeedAuth {
			value = auth
		}
		d.Meet(need, value)
	}
}

func withoutCredentials(t *testing.T, objects *Objects) {
	t.Helper()
	raw, err := yaml.Marshal(objects.Connection)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalogue.Credentials() {
		if example := catalogue.Example(name); objects.Credentials != nil && objects.Credentials.StringData[name] != "" && strings.Contains(string(raw), example) {
			t.Errorf("the connection holds %s", name)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		service string
		change  func(*Draft)
		want    v1alpha1.AuthType
	}{
		"nothing said":              {"postgres-flexible", func(*Draft) {}, ""},
		"the only one there is":     {"postgresql", func(*Draft) {}, v1alpha1.AuthSecret},
		"a Secret":                  {"postgres-flexible", func(d *Draft) { d.Spec.Auth.SecretRef = &v1alpha1.SecretReference{Name: "s"} }, v1alpha1.AuthSecret},
		"credentials":               {"postgres-flexible", func(d *Draft) { d.Credentials = map[string]string{"password": "p"} }, v1alpha1.AuthSecret},
		"a client secret and an id": {"postgres-flexible", servicePrincipal, v1alpha1.AuthServicePrincipal},
		"an id alone":               {"postgres-flexible", func(d *Draft) { d.SetIdentity("c", "") }, ""},
		"said already":              {"postgres-flexible", func(d *Draft) { d.Spec.Auth.Type = v1alpha1.AuthWorkloadIdentity }, v1alpha1.AuthWorkloadIdentity},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, _ := catalogue.Lookup(test.service)
			d := &Draft{}
			test.change(d)
			d.Settle(service)
			if d.Spec.Auth.Type != test.want {
				t.Errorf("got %q, want %q", d.Spec.Auth.Type, test.want)
			}
		})
	}
}

func servicePrincipal(d *Draft) {
	d.SetIdentity("client", "tenant")
	d.Credentials = map[string]string{"client_secret": "s"}
}

// The ids are given before the auth type is known, and end up in its member.
func TestIdentityIsPlaced(t *testing.T) {
	t.Parallel()
	tests := map[v1alpha1.AuthType]v1alpha1.Auth{
		v1alpha1.AuthWorkloadIdentity: {Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: "c", TenantID: "t"}},
		v1alpha1.AuthServicePrincipal: {Type: v1alpha1.AuthServicePrincipal, ServicePrincipal: &v1alpha1.ServicePrincipal{ClientID: "c", TenantID: "t"}},
		v1alpha1.AuthKeyVaultCSI:      {Type: v1alpha1.AuthKeyVaultCSI, KeyVaultCSI: &v1alpha1.KeyVaultCSI{ClientID: "c", TenantID: "t"}},
	}
	for auth, want := range tests {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			d := &Draft{}
			d.SetIdentity("c", "")
			d.SetIdentity("", "t")
			d.Meet(Need{Kind: NeedAuth}, string(auth))
			if diff := cmp.Diff(want, d.Spec.Auth); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseCredentials(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want map[string]string
		err  string
	}{
		"lines":             {"# a comment\n\npassword=a=b \r\n user = u\n", map[string]string{"password": "a=b ", "user": " u"}, ""},
		"a byte order mark": {"\ufeffpassword=p", map[string]string{"password": "p"}, ""},
		"no equals sign":    {"user=u\nhunter2\n", nil, "line 2 of the credentials is not name=value"},
		"a bare key":        {"aHVudGVyMg==\n", nil, "line 1 of the credentials is not name=value"},
		"no value":          {"password=\n", nil, "line 1 of the credentials is not name=value"},
		"twice":             {"password=a\npassword=b\n", nil, "line 2 of the credentials has the name of a line above; keep one of them"},
		"nothing":           {"# only this\n", nil, "the credentials are empty; write one name=value a line"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCredentials(test.text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if said := message(err); said != test.err {
				t.Errorf("got %q, want %q", said, test.err)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
