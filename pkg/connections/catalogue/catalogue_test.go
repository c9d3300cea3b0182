// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestEmbeddedFilesAreWellFormed(t *testing.T) {
	t.Parallel()
	content, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "services/*")
	if err != nil || len(names) != len(content.services) {
		t.Fatalf("%d files, %d services, error %v", len(names), len(content.services), err)
	}
	for _, s := range content.sorted {
		t.Run(s.Key, func(t *testing.T) {
			t.Parallel()
			checkService(t, s, content.placeholders)
		})
	}
	for name, p := range content.placeholders {
		if p.Description == "" || p.Example == "" || !slices.Contains([]string{"", kindCredential, kindIdentity}, p.Kind) {
			t.Errorf("placeholder %s: description %q, kind %q", name, p.Description, p.Kind)
		}
		if got := Placeholders("{" + name + "}"); !slices.Equal(got, []string{name}) {
			t.Errorf("placeholder %s: a template reads it as %q", name, got)
		}
	}
}

func checkService(t *testing.T, s *Service, known map[string]placeholder) {
	t.Helper()
	checkGroup(t, s)
	if s.Name == "" || (s.EnvPrefix == "") != (s.Key == Custom) || (len(s.Rows) == 0) != (s.Key == Custom) {
		t.Errorf("incomplete: name %q, prefix %q, %d rows", s.Name, s.EnvPrefix, len(s.Rows))
	}
	for _, role := range s.DefaultRoles {
		if role.Name == "" || !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(role.ID) {
			t.Errorf("role %+v", role)
		}
	}
	checkTemplate(t, s.ResourceID, known)
	if got := resourceType(strings.Split(s.ResourceID, "/")); !strings.EqualFold(got, s.ARMType) {
		t.Errorf("resource id is of type %q, armType is %q", got, s.ARMType)
	}
	defaults, served := map[string]int{}, map[string]bool{}
	for _, row := range s.Rows {
		if row.Default {
			defaults[row.Auth]++
		}
		for _, client := range row.Clients {
			if !slices.Contains(clientTypes, client) || served[row.Auth+client] {
				t.Errorf("%s: client type %q is unknown or has two rows", row.Auth, client)
			}
			served[row.Auth+client] = true
		}
		checkRow(t, row, known)
	}
	for _, auth := range s.AuthTypes() {
		if s.Key != Custom && defaults[auth] != 1 {
			t.Errorf("%s has %d default rows", auth, defaults[auth])
		}
	}
}

func checkGroup(t *testing.T, s *Service) {
	t.Helper()
	if !slices.Contains([]Group{GroupAzure, GroupPartner, GroupSelfHosted, GroupCustom}, s.Group) || (s.Group == GroupCustom) != (s.Key == Custom) {
		t.Errorf("group %q", s.Group)
	}
	if (s.Group == GroupSelfHosted) != strings.HasSuffix(s.Name, ", self-hosted") {
		t.Errorf("group %q, but the name is %q", s.Group, s.Name)
	}
	for name, value := range s.Defaults {
		if !slices.Contains(s.Parameters(), name) || value == "" {
			t.Errorf("default %q of %s, which is no parameter", value, name)
		}
	}
}

func checkRow(t *testing.T, row Row, known map[string]placeholder) {
	t.Helper()
	if !slices.Contains(authTypes, row.Auth) || len(row.Clients) == 0 || len(row.Settings) == 0 {
		t.Errorf("row %s %v with %d settings", row.Auth, row.Clients, len(row.Settings))
	}
	legal := regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)
	names := map[string]bool{}
	for _, s := range row.Settings {
		if !legal.MatchString(s.Name) || names[s.Name] {
			t.Errorf("%s %v: name %q is illegal or there twice", row.Auth, row.Clients, s.Name)
		}
		names[s.Name] = true
		if s.Value == "" || s.Description == "" {
			t.Errorf("%s %v: %s lacks a value or a description", row.Auth, row.Clients, s.Name)
		}
		if s.Secret && row.Auth == "WorkloadIdentity" {
			t.Errorf("%s %v: %s is a credential, which this auth type has none of", row.Auth, row.Clients, s.Name)
		}
		checkTemplate(t, s.Value, known)
	}
}

func checkTemplate(t *testing.T, template string, known map[string]placeholder) {
	t.Helper()
	for _, name := range Placeholders(template) {
		if _, ok := known[name]; !ok {
			t.Errorf("template %q: %s is not in placeholders.yaml", template, name)
		}
	}
	if err := Check(template); err != nil {
		t.Errorf("template %q: %v", template, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"no placeholders":    {map[string]string{}, "placeholders.yaml"},
		"no YAML":            {map[string]string{"services/a.yaml": "["}, "parsing services/a.yaml"},
		"unknown field":      {map[string]string{"services/a.yaml": "key: a\nrow: []"}, `unknown field "row"`},
		"field twice":        {map[string]string{"services/a.yaml": "key: a\nkey: a"}, `key "key" already set`},
		"another file's key": {map[string]string{"services/a.yaml": "key: b"}, `services/a.yaml: key is "b"`},
		"alias of nothing":   {map[string]string{"services/a.yaml": "key: a\naliasOf: b"}, `a: aliasOf "b"`},
		"alias of itself":    {map[string]string{"services/a.yaml": "key: a\naliasOf: a"}, `a: aliasOf "a"`},
		"alias with rows": {map[string]string{
			"services/a.yaml": "key: a\naliasOf: b\nrows: [{auth: Secret, clients: [none], settings: []}]", "services/b.yaml": "key: b",
		}, `a: aliasOf "b"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := fstest.MapFS{}
			if len(test.files) > 0 {
				content["placeholders.yaml"] = &fstest.MapFile{Data: []byte("placeholders: {}")}
			}
			for name, text := range test.files {
				content[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if _, err := load(content); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestServicesAreSorted(t *testing.T) {
	t.Parallel()
	services := Services()
	if !slices.IsSortedFunc(services, func(a, b *Service) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("not sorted by key")
	}
	services[0] = nil
	if Services()[0] == nil {
		t.Error("a caller can change the catalogue's own list")
	}
	for _, s := range Services() {
		if got, ok := Lookup(s.Key); !ok || got != s {
			t.Errorf("Lookup(%q) is another one", s.Key)
		}
	}
	if s, ok := Lookup("Redis"); ok {
		t.Errorf("Lookup(Redis) found %s; keys heed case", s.Key)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key  string
		n    int
		want []string
	}{
		"typing error":  {"postgres-flexble", 1, []string{"postgres-flexible"}},
		"upper case":    {"Redis", 1, []string{"redis"}},
		"a word of it":  {"blob", 1, []string{"storage-blob"}},
		"another word":  {"postgre", 3, []string{"postgresql", "neon-postgres", "postgres-flexible"}},
		"another name":  {"mariadb", 1, []string{"mysql-server"}},
		"of the taken":  {"mysqld", 1, []string{"mysql-server"}},
		"minio":         {"minio", 1, []string{"s3"}},
		"valkey":        {"valky", 1, []string{"redis-server"}},
		"plural":        {"eventhubs", 1, []string{"eventhub"}},
		"custom":        {"costum", 1, []string{"custom"}},
		"three of them": {"storage", 3, []string{"storage-blob", "storage-file", "storage-queue"}},
		"none of them":  {"storage", 0, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Nearest(test.key, test.n)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Nearest("", 1000); slices.Contains(got, "mysql") || len(got) < 25 {
		t.Errorf("Nearest suggests %v, want all that are not deprecated", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		service, auth, client string
		want                  []string
	}{
		"a row of its own":        {"storage-blob", "WorkloadIdentity", "python", []string{"AZURE_STORAGEBLOB_RESOURCEENDPOINT", "AZURE_STORAGEBLOB_CLIENTID"}},
		"no client type":          {"redis", "WorkloadIdentity", "", []string{"AZURE_REDIS_HOST", "AZURE_REDIS_CLIENTID"}},
		"served by the default":   {"sql", "WorkloadIdentity", "ruby", []string{"AZURE_SQL_HOST", "AZURE_SQL_PORT", "AZURE_SQL_DATABASE", "AZURE_SQL_AUTHENTICATION", "AZURE_SQL_USERNAME"}},
		"rather than the default": {"sql", "WorkloadIdentity", "java", []string{"AZURE_SQL_CONNECTIONSTRING"}},
		"of an alias":             {"postgres", "Secret", "python", []string{"AZURE_POSTGRESQL_CONNECTIONSTRING"}},
		"custom has none":         {"custom", "Secret", "python", nil},
		"custom with an identity": {"custom", "WorkloadIdentity", "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings, err := lookup(t, test.service).Settings(test.auth, test.client)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range settings {
				names = append(names, s.Name)
			}
			if diff := cmp.Diff(test.want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsRefuses(t *testing.T) {
	t.Parallel()
	_, err := lookup(t, "storage-file").Settings("WorkloadIdentity", "python")
	var auth *UnsupportedAuthError
	if !errors.As(err, &auth) || err.Error() != `storage-file does not offer "WorkloadIdentity"; use Secret` {
		t.Errorf("unsupported auth type: %v", err)
	}
	_, err = lookup(t, "redis").Settings("Secret", "rust")
	var client *UnknownClientError
	if !errors.As(err, &client) || !strings.HasPrefix(err.Error(), `"rust" is not a client type; use none, dotnet, java`) {
		t.Errorf("unknown client type: %v", err)
	}
	if diff := cmp.Diff(ClientTypes(), client.Known); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"", "secret", "KeyVaultCSI"} {
		if _, err := lookup(t, Custom).Settings(name, ""); !errors.As(err, &auth) {
			t.Errorf("custom takes auth type %q", name)
		}
	}
}

func TestSettingsAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	s := lookup(t, "redis")
	settings, _ := s.Settings("Secret", "")
	settings[0].Name = "CHANGED"
	if again, _ := s.Settings("Secret", ""); again[0].Name == "CHANGED" {
		t.Error("a caller can change the catalogue")
	}
}

func TestServiceOffers(t *testing.T) {
	t.Parallel()
	s := lookup(t, "redis-enterprise")
	if diff := cmp.Diff([]string{"Secret"}, s.AuthTypes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"none", "dotnet", "java", "python", "go", "nodejs", "springBoot"}, s.ClientTypes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(authTypes, lookup(t, Custom).AuthTypes()); diff != "" {
		t.Error(diff)
	}
	want := []string{"database", "resource_group", "server", "subscription", "user"}
	if diff := cmp.Diff(want, lookup(t, "postgres-flexible").Parameters()); diff != "" {
		t.Error(diff)
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	s := lookup(t, "postgresql")
	if port, ok := s.Default("port"); !ok || port != "5432" {
		t.Errorf("port %q, %t", port, ok)
	}
	if host, ok := s.Default("host"); ok {
		t.Errorf("host has the default %q", host)
	}
}

// The API server refuses credentials among the parameters by a list of its own,
// as CEL cannot read ours.
func TestCELListsAllCredentials(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../v1alpha1/spec.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`self\.all\(k, !\(k in \[([^]]*)\]`).FindSubmatch(source)
	if list == nil {
		t.Fatal("spec.go has no rule that refuses credentials among the parameters")
	}
	got := strings.Split(strings.ReplaceAll(string(list[1]), "'", ""), ",")
	slices.Sort(got)
	if diff := cmp.Diff(Credentials(), got); diff != "" {
		t.Errorf("the rule on target.parameters in spec.go differs from placeholders.yaml; run make generate after the change: %s", diff)
	}
}

func TestPlaceholderKinds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ credential, identity, known bool }{
		"password":     {credential: true, known: true},
		"account_key":  {credential: true, known: true},
		"client_id":    {identity: true, known: true},
		"tenant_id":    {identity: true, known: true},
		"server":       {known: true},
		"key_id":       {known: true},
		"user_defined": {},
	}
	for name, test := range tests {
		if Credential(name) != test.credential || Identity(name) != test.identity || (Description(name) != "") != test.known {
			t.Errorf("%s: credential %t, identity %t, description %q", name, Credential(name), Identity(name), Description(name))
		}
	}
}

func lookup(t *testing.T, key string) *Service {
	t.Helper()
	s, ok := Lookup(key)
	if !ok {
		t.Fatalf("there is no service %s", key)
	}
	return s
}
