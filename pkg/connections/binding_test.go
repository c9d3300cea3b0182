// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const (
	clientA = "aaaaaaaa-0000-0000-0000-000000000000"
	clientB = "bbbbbbbb-0000-0000-0000-000000000000"
)

func postgres() Definition {
	return Definition{Name: "orders", Namespace: "shop", Spec: v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "postgres-flexible",
			Parameters: map[string]v1alpha1.Parameter{"server": "s", "database": "d", "user": "u"}},
		Client: "python",
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: "creds"}},
	}}
}

func blob(clientID v1alpha1.UUID) Definition {
	return Definition{Name: "receipts", Spec: v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "acc"}},
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID}},
	}}
}

func custom(settings ...v1alpha1.Setting) Definition {
	return Definition{Name: "kafka", Namespace: "shop", Spec: v1alpha1.ConnectionSpec{
		Target:   v1alpha1.Target{Service: "custom", Parameters: map[string]v1alpha1.Parameter{"host": "h"}},
		Auth:     v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: "creds"}},
		Settings: settings,
	}}
}

func sourcesOf(b *Binding, secrets map[string]map[string][]byte) Sources {
	s := Sources{Secrets: secrets}
	if ref := b.Definition.Spec.Auth.SecretRef; ref != nil {
		s.Credentials = ref.Name
	}
	return s
}

func TestRender(t *testing.T) {
	principal := postgres()
	principal.Spec.Client = "none"
	principal.Spec.Auth = v1alpha1.Auth{Type: v1alpha1.AuthServicePrincipal, SecretRef: &v1alpha1.SecretReference{Name: "creds"},
		ServicePrincipal: &v1alpha1.ServicePrincipal{ClientID: clientA, TenantID: clientB}}
	renamed := postgres()
	renamed.Spec.Rename = map[string]string{"AZURE_POSTGRESQL_CONNECTIONSTRING": "DATABASE_DSN"}
	renamed.Spec.Settings = []v1alpha1.Setting{{Name: "POOL", Value: new(`{"max":{"n":5}}`)}}
	replaced := postgres()
	replaced.Spec.Settings = []v1alpha1.Setting{{Name: "AZURE_POSTGRESQL_CONNECTIONSTRING", Value: new("pg://{user}:{password}@{server}")}}
	userFromSecret := postgres()
	delete(userFromSecret.Spec.Target.Parameters, "user")
	tests := map[string]struct {
		definition Definition
		sources    map[string]map[string][]byte
		want       map[string]string
	}{
		"a secret": {postgres(), map[string]map[string][]byte{"creds": {"password": []byte("pw")}}, map[string]string{
			"AZURE_POSTGRESQL_CONNECTIONSTRING": "dbname=d host=s.postgres.database.azure.com port=5432 sslmode=require user=u password=pw"}},
		"a parameter out of the Secret": {userFromSecret, map[string]map[string][]byte{"creds": {"password": []byte("pw"), "user": []byte("x")}}, map[string]string{
			"AZURE_POSTGRESQL_CONNECTIONSTRING": "dbname=d host=s.postgres.database.azure.com port=5432 sslmode=require user=x password=pw"}},
		"a principal": {principal, map[string]map[string][]byte{"creds": {"client_secret": []byte("cs")}}, map[string]string{
			"AZURE_POSTGRESQL_HOST": "s.postgres.database.azure.com", "AZURE_POSTGRESQL_USERNAME": "u", "AZURE_POSTGRESQL_DATABASE": "d",
			"AZURE_POSTGRESQL_PORT": "5432", "AZURE_POSTGRESQL_SSL": "true", "AZURE_POSTGRESQL_CLIENTID": clientA,
			"AZURE_POSTGRESQL_CLIENTSECRET": "cs", "AZURE_POSTGRESQL_TENANTID": clientB}},
		"an identity": {blob(clientA), nil, map[string]string{
			"AZURE_STORAGEBLOB_RESOURCEENDPOINT": "https://acc.blob.core.windows.net/", "AZURE_STORAGEBLOB_CLIENTID": clientA}},
		"renamed, and one more": {renamed, map[string]map[string][]byte{"creds": {"password": []byte("pw")}}, map[string]string{
			"DATABASE_DSN": "dbname=d host=s.postgres.database.azure.com port=5432 sslmode=require user=u password=pw", "POOL": `{"max":{"n":5}}`}},
		"replaced": {replaced, map[string]map[string][]byte{"creds": {"password": []byte("pw")}}, map[string]string{
			"AZURE_POSTGRESQL_CONNECTIONSTRING": "pg://u:pw@s"}},
		"custom": {custom(v1alpha1.Setting{Name: "BROKER", Value: new("{host}:9092")},
			v1alpha1.Setting{Name: "KEY", ValueFrom: &v1alpha1.SettingSource{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "other", Key: "k.pem"}}}),
			map[string]map[string][]byte{"creds": {}, "other": {"k.pem": []byte("\x00bin")}}, map[string]string{"BROKER": "h:9092", "KEY": "\x00bin"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := Bind(test.definition)
			if err != nil {
				t.Fatal(err)
			}
			data, err := b.Render(sourcesOf(b, test.sources))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for key, value := range data {
				got[key] = string(value)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if len(b.Variables) != len(test.want) {
				t.Errorf("variables %v", b.Variables)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	const secret = "s3cr3t"
	good := map[string]map[string][]byte{"creds": {"password": []byte(secret)}}
	with := func(d Definition, change func(*v1alpha1.ConnectionSpec)) Definition {
		change(&d.Spec)
		return d
	}
	tests := map[string]struct {
		definition      Definition
		sources         map[string]map[string][]byte
		reason, message string
	}{
		"unknown service": {with(postgres(), func(s *v1alpha1.ConnectionSpec) { s.Target.Service = "potsgres-flexible" }), good,
			v1alpha1.ReasonUnknownService, `spec.target.service "potsgres-flexible" is not in the catalogue; the nearest are postgres-flexible, `},
		"unsupported auth": {with(blob(clientA), func(s *v1alpha1.ConnectionSpec) { s.Target.Service = "storage-file" }), nil,
			v1alpha1.ReasonUnsupportedAuth, "spec.auth.type: "},
		"unknown client": {with(postgres(), func(s *v1alpha1.ConnectionSpec) { s.Client = "cobol" }), good, v1alpha1.ReasonUnknownClient, "spec.client: "},
		"credential as a parameter": {with(postgres(), func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters["password"] = secret }), good,
			v1alpha1.ReasonUnknownParameter, "spec.target.parameters: password is a credential; put it into the Secret that spec.auth.secretRef names"},
		"misspelt parameter": {with(postgres(), func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters["sevrer"] = "x" }), good,
			v1alpha1.ReasonUnknownParameter, `no setting uses "sevrer"; the settings use database, password, server, user`},
		"missing parameter": {with(blob(clientA), func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters = nil }), nil,
			v1alpha1.ReasonMissingParameter, "the settings need account; set spec.target.parameters.account"},
		"missing parameter, with a Secret": {with(postgres(), func(s *v1alpha1.ConnectionSpec) { delete(s.Target.Parameters, "user") }), good,
			v1alpha1.ReasonMissingParameter, `the settings need user; set spec.target.parameters.user, or add the key to Secret "creds" in namespace "shop"`},
		"custom without settings": {custom(), nil, v1alpha1.ReasonIllegalSetting, "list them in spec.settings"},
		"illegal name":            {custom(v1alpha1.Setting{Name: "A=B", Value: new("x")}), nil, v1alpha1.ReasonIllegalSetting, `setting "A=B" cannot be the name of a variable`},
		"renamed onto another": {with(blob(clientA), func(s *v1alpha1.ConnectionSpec) {
			s.Rename = map[string]string{"AZURE_STORAGEBLOB_CLIENTID": "AZURE_STORAGEBLOB_RESOURCEENDPOINT"}
		}), nil, v1alpha1.ReasonIllegalSetting, `setting "AZURE_STORAGEBLOB_RESOURCEENDPOINT" is set twice`},
		"unknown placeholder": {custom(v1alpha1.Setting{Name: "A", Value: new("{nope}{host}")}), map[string]map[string][]byte{"creds": {"x": nil}},
			v1alpha1.ReasonMissingParameter, "the settings need nope"},
		"no Secret": {postgres(), nil, v1alpha1.ReasonCredentialsNotFound, `Secret "creds" with the credentials does not exist in namespace "shop"; create it`},
		"no key": {postgres(), map[string]map[string][]byte{"creds": {"passwort": []byte(secret)}}, v1alpha1.ReasonCredentialsIncomplete,
			`Secret "creds" in namespace "shop" has no key "password", or an empty one; add it`},
		"large value": {postgres(), map[string]map[string][]byte{"creds": {"password": []byte(strings.Repeat(secret, 40_000))}}, v1alpha1.ReasonSecretTooLarge,
			"setting AZURE_POSTGRESQL_CONNECTIONSTRING is 2400"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := Bind(test.definition)
			if err == nil {
				_, err = b.Render(sourcesOf(b, test.sources))
			}
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("got %v, want a problem", err)
			}
			if problem.Reason != test.reason || !strings.Contains(problem.Message, test.message) {
				t.Errorf("got %s %q, want %s with %q", problem.Reason, problem.Message, test.reason, test.message)
			}
			if strings.Contains(problem.Message, secret) || strings.Contains(problem.Message, "\n") {
				t.Errorf("the message holds a value, or is more than a line: %q", problem.Message)
			}
		})
	}
}

func TestTotalSize(t *testing.T) {
	d := custom()
	sources := map[string]map[string][]byte{"creds": {}, "big": {"k": []byte(strings.Repeat("x", 100<<10))}}
	for i := range 11 {
		d.Spec.Settings = append(d.Spec.Settings, v1alpha1.Setting{Name: "V" + string(rune('A'+i)),
			ValueFrom: &v1alpha1.SettingSource{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "big", Key: "k"}}})
	}
	d.Spec.Target.Parameters = nil
	b, err := Bind(d)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Render(sourcesOf(b, sources))
	var problem *Problem
	if !errors.As(err, &problem) || problem.Reason != v1alpha1.ReasonSecretTooLarge {
		t.Errorf("got %v", err)
	}
}

// The revision changes with all that the Secret is made from, and with nothing
// else; the same definition has the same one.
func TestRevision(t *testing.T) {
	revision := func(change func(*Definition)) string {
		d := postgres()
		change(&d)
		b, err := Bind(d)
		if err != nil {
			t.Fatal(err)
		}
		return b.Revision
	}
	same := revision(func(*Definition) {})
	if again := revision(func(*Definition) {}); again != same {
		t.Errorf("%s and %s for the same definition", same, again)
	}
	seen := map[string]string{same: "unchanged"}
	for name, change := range map[string]func(*Definition){
		"parameter": func(d *Definition) { d.Spec.Target.Parameters["server"] = "x" },
		"client":    func(d *Definition) { d.Spec.Client = "go" },
		"secretRef": func(d *Definition) { d.Spec.Auth.SecretRef = &v1alpha1.SecretReference{Name: "x"} },
		"setting":   func(d *Definition) { d.Spec.Settings = []v1alpha1.Setting{{Name: "A", Value: new("b")}} },
		"rename": func(d *Definition) {
			d.Spec.Rename = map[string]string{"AZURE_POSTGRESQL_CONNECTIONSTRING": "X"}
		},
		"owner": func(d *Definition) { d.Namespace = "" },
	} {
		got := revision(change)
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the revision of %s", name, other)
		}
		seen[got] = name
	}
}

func TestNames(t *testing.T) {
	d := blob(clientA)
	b, err := Bind(d)
	if err != nil {
		t.Fatal(err)
	}
	want := mutate.Injection{Connection: "receipts", Revision: b.Revision, Secret: "sc-receipts-secret",
		ServiceAccount: "sc-account-" + clientA, WorkloadIdentity: true}
	if diff := cmp.Diff(want, b.Injection()); diff != "" {
		t.Errorf("injection (-want +got):\n%s", diff)
	}
	d.Spec.SecretName = "mine"
	if b, err = Bind(d); err != nil || b.Secret != "mine" {
		t.Errorf("Secret %q, %v", b.Secret, err)
	}
	if got := postgres().Owner() + " " + d.Owner(); got != "Connection/shop/orders ClusterConnection/receipts" {
		t.Errorf("owners %s", got)
	}
}

func TestConflict(t *testing.T) {
	bind := func(d Definition, name string) *Binding {
		d.Name = name
		b, err := Bind(d)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b, other := bind(blob(clientA), "a"), bind(blob(clientA), "b"), bind(blob(clientB), "c")
	db := bind(postgres(), "db")
	tests := map[string]struct {
		bindings []*Binding
		prefixes map[string]string
		want     string
	}{
		"one":              {[]*Binding{a}, nil, ""},
		"different":        {[]*Binding{a, db}, nil, ""},
		"prefixed":         {[]*Binding{a, b}, map[string]string{"b": "B_"}, ""},
		"clash":            {[]*Binding{a, b}, nil, `connections "a" and "b" both set AZURE_STORAGEBLOB_CLIENTID; set serviceconnector.dev/env-prefix.b`},
		"the same prefix":  {[]*Binding{a, b}, map[string]string{"a": "X_", "b": "X_"}, `connections "a" and "b" both set X_AZURE_STORAGEBLOB_CLIENTID; set serviceconnector.dev/env-prefix.b`},
		"two identities":   {[]*Binding{a, db, other}, map[string]string{"c": "C_"}, `connections "a" and "c" need two identities (` + clientA + ` and ` + clientB + `), but a pod has one service account; use one identity for both or two pods`},
		"no identity, one": {[]*Binding{db, a}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := Conflict(test.bindings, test.prefixes); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	for name, want := range map[string]string{
		"orders-bd": `connection "orders-bd" is not available in namespace "shop"; did you mean "orders-db"? (kubectl connection list -n shop)`,
		"order-db":  `connection "order-db" is not available in namespace "shop"; did you mean "orders-db"? (kubectl connection list -n shop)`,
		"zebra":     `connection "zebra" is not available in namespace "shop" (kubectl connection list -n shop)`,
	} {
		if got := Unavailable(name, "shop", []string{"orders-dc", "orders-db", "receipts"}).Message; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRenderFurther(t *testing.T) {
	government := blob(clientA)
	government.Spec.Target.Cloud = "AzureUSGovernment"
	byID := blob(clientA)
	byID.Spec.Target = v1alpha1.Target{Service: "storage-blob",
		ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/held/blobServices/default"}
	named := blob(clientA)
	named.Spec.Naming = v1alpha1.NamingByConnection
	files := blob(clientA)
	files.Spec.Inject = v1alpha1.InjectFiles
	selfHosted := postgres()
	selfHosted.Spec.Target = v1alpha1.Target{Service: "postgresql", Parameters: map[string]v1alpha1.Parameter{"host": "pg", "database": "d", "user": "u"}}
	selfHosted.Spec.Client = "none"
	tests := map[string]struct {
		definition Definition
		key, want  string
	}{
		"another cloud":     {government, "AZURE_STORAGEBLOB_RESOURCEENDPOINT", "https://acc.blob.core.usgovcloudapi.net/"},
		"a resource id":     {byID, "AZURE_STORAGEBLOB_RESOURCEENDPOINT", "https://held.blob.core.windows.net/"},
		"by connection":     {named, "AZURE_STORAGEBLOB_RECEIPTS_CLIENTID", clientA},
		"files say a type":  {files, "type", "storage-blob"},
		"and a provider":    {files, "provider", "azure"},
		"a default":         {selfHosted, "POSTGRESQL_PORT", "5432"},
		"no default needed": {selfHosted, "POSTGRESQL_HOST", "pg"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := Bind(test.definition)
			if err != nil {
				t.Fatal(err)
			}
			data, err := b.Render(sourcesOf(b, map[string]map[string][]byte{"creds": {"password": []byte("pw")}}))
			if got := string(data[test.key]); err != nil || got != test.want {
				t.Errorf("%s is %q, want %q (%v)", test.key, got, test.want, err)
			}
		})
	}
}

func TestVault(t *testing.T) {
	d := Definition{Name: "kv", Spec: v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "keyvault", Cloud: "AzureChina", Parameters: map[string]v1alpha1.Parameter{"vault": "v"}},
		Auth: v1alpha1.Auth{Type: v1alpha1.AuthKeyVaultCSI, KeyVaultCSI: &v1alpha1.KeyVaultCSI{AddonClientID: clientA, TenantID: clientB,
			Objects: []v1alpha1.VaultObject{{Name: "a"}}}},
	}}
	b, err := Bind(d)
	if err != nil {
		t.Fatal(err)
	}
	want := mutate.Injection{Connection: "kv", Revision: b.Revision,
		Files: &mutate.Files{ProviderClass: "sc-kv-secretprovider", Path: "/mnt/secrets-store/kv"}}
	if diff := cmp.Diff(want, b.Injection()); diff != "" {
		t.Errorf("injection (-want +got):\n%s", diff)
	}
	if got := b.ProviderClass.Parameters["cloudName"]; got != "AzureChinaCloud" {
		t.Errorf("cloudName %q", got)
	}
	for name, change := range map[string]func(*v1alpha1.ConnectionSpec){
		"set spec.target.parameters.vault": func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters = nil },
		`file "a" is written twice`: func(s *v1alpha1.ConnectionSpec) {
			s.Auth.KeyVaultCSI.Objects = []v1alpha1.VaultObject{{Name: "a"}, {Name: "b", File: "a"}}
		},
		`variable "V" is set twice`: func(s *v1alpha1.ConnectionSpec) {
			s.Auth.KeyVaultCSI.Objects = []v1alpha1.VaultObject{{Name: "a", Variable: "V"}, {Name: "b", Variable: "V"}}
		},
		`setting "1" cannot be the name`: func(s *v1alpha1.ConnectionSpec) {
			s.Auth.KeyVaultCSI.Objects = []v1alpha1.VaultObject{{Name: "a", Variable: "1"}}
		},
	} {
		changed := d
		changed.Spec = *d.Spec.DeepCopy()
		change(&changed.Spec)
		if _, err := Bind(changed); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	other := *b
	other.Definition.Name = "kv2"
	if err := Conflict([]*Binding{b, &other}, nil); err == nil || !strings.Contains(err.Error(), `connections "kv" and "kv2" both mount their files at /mnt/secrets-store/kv`) {
		t.Errorf("got %v", err)
	}
}

func TestResourceIDProblems(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.Target){
		"of another service": func(t *v1alpha1.Target) {
			t.ResourceID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"
		},
		"disagrees": func(t *v1alpha1.Target) {
			t.ResourceID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/other/blobServices/default"
		},
	} {
		d := blob(clientA)
		change(&d.Spec.Target)
		_, err := Bind(d)
		var problem *Problem
		if !errors.As(err, &problem) || problem.Reason != v1alpha1.ReasonResourceIDMismatch {
			t.Errorf("%s: %v", name, err)
		}
	}
}
