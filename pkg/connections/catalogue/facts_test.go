// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// What was compared when the catalogue was made; a comparison of less than that
// has lost something.
const (
	comparedServices = 30
	comparedRows     = 489
	comparedSettings = 1720
)

// factsBeside is where the original of the facts lies in a full checkout.
const factsBeside = "../../../../shared/facts/target-services.yaml"

// ours are the services that the facts do not have: the self-hosted ones.
var ours = []string{
	"elasticsearch", "kafka", "mongodb", "mysql-server", "opensearch", "postgresql", "rabbitmq", "redis-server", "s3",
}

// filter is what the catalogue puts behind a placeholder's name where Azure has
// the bare value. The facts have no filters, and the values they were taken from
// need none: templates are compared without.
var filter = regexp.MustCompile(`(\{[a-z][a-z0-9_]*)\|[a-z]+\}`)

// deviation is a place where the catalogue deliberately differs from the facts.
type deviation struct{ ours, reason string }

const (
	asksNode = "a driver told to use a managed identity asks the node's metadata endpoint, which fails under workload identity"
	jdbcPort = "; JDBC separates the port by a colon"
	noODBC   = "the ODBC driver has no workload identity; an access token goes with neither UID nor Authentication"
)

// deviations are keyed by service, auth type, client type and setting.
var deviations = map[[4]string]deviation{
	{"sql", "WorkloadIdentity", "dotnet", "AZURE_SQL_CONNECTIONSTRING"}: {
		"Data Source={server}.database.windows.net,1433;Initial Catalog={database};User ID={client_id};Authentication=Active Directory Default",
		asksNode,
	},
	{"sql", "WorkloadIdentity", "java", "AZURE_SQL_CONNECTIONSTRING"}: {
		"jdbc:sqlserver://{server}.database.windows.net:1433;databaseName={database};msiClientId={client_id};authentication=ActiveDirectoryDefault;",
		asksNode,
	},
	{"sql", "WorkloadIdentity", "springBoot", "spring.datasource.url"}: {
		"jdbc:sqlserver://{server}.database.windows.net:1433;databaseName={database};msiClientId={client_id};authentication=ActiveDirectoryDefault;",
		asksNode,
	},
	{"sql", "WorkloadIdentity", "python", "AZURE_SQL_AUTHENTICATION"}: {"ActiveDirectoryDefault", asksNode},
	{"sql", "WorkloadIdentity", "python", "AZURE_SQL_USER"}: {
		"{client_id}",
		"the object id goes with ActiveDirectoryMsi; all other clients have the client id, which the connection holds already",
	},
	{"fabric-sql", "WorkloadIdentity", "dotnet", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"Data Source=tcp:{fabric_server}.msit-database.fabric.microsoft.com,1433;Initial Catalog={database}-{fabric_database_id};" +
			"User ID={client_id};Authentication=Active Directory Default",
		asksNode,
	},
	{"fabric-sql", "WorkloadIdentity", "java", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"jdbc:sqlserver://{fabric_server}.msit-database.fabric.microsoft.com:1433;databaseName={database}-{fabric_database_id};" +
			"msiClientId={client_id};authentication=ActiveDirectoryDefault;",
		asksNode + jdbcPort,
	},
	{"fabric-sql", "WorkloadIdentity", "springBoot", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"jdbc:sqlserver://{fabric_server}.msit-database.fabric.microsoft.com:1433;databaseName={database}-{fabric_database_id};" +
			"msiClientId={client_id};authentication=ActiveDirectoryDefault;",
		asksNode + jdbcPort,
	},
	{"fabric-sql", "WorkloadIdentity", "python", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"Driver={ODBC Driver 17 for SQL Server};Server=tcp:{fabric_server}.msit-database.fabric.microsoft.com,1433;" +
			"Database={database}-{fabric_database_id};",
		noODBC,
	},
	{"fabric-sql", "WorkloadIdentity", "go", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"server=tcp:{fabric_server}.msit-database.fabric.microsoft.com;port=1433;database={database}-{fabric_database_id};" +
			"user id={client_id};fedauth=ActiveDirectoryDefault;",
		asksNode,
	},
	{"fabric-sql", "WorkloadIdentity", "none", "FABRIC_SQL_CONNECTIONSTRING"}: {
		"server=tcp:{fabric_server}.msit-database.fabric.microsoft.com;port=1433;database={database}-{fabric_database_id};" +
			"user id={client_id};fedauth=ActiveDirectoryDefault;",
		asksNode,
	},
}

// serviceDeviations are the same for what describes a service, keyed by service
// and field.
var serviceDeviations = map[[2]string]deviation{
	{"postgres", "name"}:              {"Azure Database for PostgreSQL single server", "deprecated is a field of its own"},
	{"mysql", "name"}:                 {"Azure Database for MySQL single server", "deprecated is a field of its own"},
	{"confluent-cloud", "armType"}:    {"", "only types of Azure resources are told"},
	{"confluent-cloud", "resourceID"}: {"", "an endpoint is no resource id and holds no parameter of the settings"},
	{"fabric-sql", "armType"}:         {"", "only types of Azure resources are told"},
}

// leftOut are services of the facts that the catalogue does not have.
var leftOut = map[string]string{
	"containerapp": "reachable from container apps only; no settings are known",
}

// authOf maps the auth types of the facts to ours. A system identity is not
// among them: a cluster's workloads have none.
var authOf = map[string]string{
	"secret":           "Secret",
	"servicePrincipal": "ServicePrincipal",
	"userIdentity":     "WorkloadIdentity",
}

type facts struct {
	ClientTypes  []string          `json:"clientTypes"`
	Placeholders map[string]string `json:"placeholders"`
	Services     []factService     `json:"services"`
}

type factService struct {
	Key              string    `json:"key"`
	Name             string    `json:"name"`
	EnvPrefix        string    `json:"envPrefix"`
	ARMType          string    `json:"armType"`
	TargetIDTemplate string    `json:"targetIdTemplate"`
	AliasOf          string    `json:"aliasOf"`
	Deprecated       bool      `json:"deprecated"`
	DefaultRoles     []Role    `json:"defaultRoles"`
	Rows             []factRow `json:"rows"`
}

type factRow struct {
	Auth     string        `json:"auth"`
	Clients  []string      `json:"clients"`
	Default  bool          `json:"default"`
	Settings []factSetting `json:"settings"`
}

type factSetting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
}

func TestFactsAreTheOriginal(t *testing.T) {
	t.Parallel()
	original, err := os.ReadFile(factsBeside)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the original is not beside this checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	if ours := readFacts(t); !bytes.Equal(ours, original) {
		t.Error("testdata/target-services.yaml differs from the original; copy it and bring the catalogue in line")
	}
}

func TestCatalogueAgreesWithFacts(t *testing.T) {
	t.Parallel()
	var f facts
	if err := yaml.Unmarshal(readFacts(t), &f); err != nil {
		t.Fatal(err)
	}
	o := &oracle{facts: f, unused: maps.Clone(deviations), unusedService: maps.Clone(serviceDeviations)}
	o.compareKeys(t)
	for _, s := range f.Services {
		if _, ok := leftOut[s.Key]; !ok {
			o.compareService(t, s)
		}
	}
	for at := range o.unused {
		t.Errorf("deviation %v is none: the facts have no such setting", at)
	}
	for at := range o.unusedService {
		t.Errorf("deviation %v is none: the facts have no such field", at)
	}
	got := [3]int{o.services, o.rows, o.settings}
	if want := [3]int{comparedServices, comparedRows, comparedSettings}; got != want {
		t.Errorf("compared %d services, rows and settings, want %d; less means that something is lost", got, want)
	}
}

type oracle struct {
	facts                    facts
	unused                   map[[4]string]deviation
	unusedService            map[[2]string]deviation
	services, rows, settings int
}

// compareKeys compares what there is: services, client types, placeholders.
func (o *oracle) compareKeys(t *testing.T) {
	t.Helper()
	want := append([]string{Custom}, ours...)
	for _, s := range o.facts.Services {
		if _, ok := leftOut[s.Key]; !ok {
			want = append(want, s.Key)
		}
	}
	slices.Sort(want)
	var got []string
	for _, s := range Services() {
		got = append(got, s.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("services: %s", diff)
	}
	if diff := cmp.Diff(o.facts.ClientTypes, clientTypes); diff != "" {
		t.Errorf("client types: %s", diff)
	}
	known := maps.Clone(o.facts.Placeholders)
	for _, key := range ours {
		for _, template := range templates(lookup(t, key)) {
			for _, name := range Placeholders(template) {
				known[name] = key
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(embedded().placeholders))); diff != "" {
		t.Errorf("placeholders: %s", diff)
	}
}

func (o *oracle) compareService(t *testing.T, fact factService) {
	t.Helper()
	s, ok := Lookup(fact.Key)
	if !ok {
		return // compareKeys has told.
	}
	o.services++
	for field, pair := range map[string][2]string{
		"name": {fact.Name, s.Name}, "envPrefix": {fact.EnvPrefix, s.EnvPrefix}, "armType": {fact.ARMType, s.ARMType},
		"resourceID": {fact.TargetIDTemplate, s.ResourceID}, "aliasOf": {fact.AliasOf, s.AliasOf},
	} {
		at := [2]string{fact.Key, field}
		if want := expected(t, o.unusedService, at, pair[0]); pair[1] != want {
			t.Errorf("%q is %q, want %q", at, pair[1], want)
		}
	}
	if s.Deprecated != fact.Deprecated || !slices.Equal(s.DefaultRoles, fact.DefaultRoles) {
		t.Errorf("%s: deprecated %t, roles %v", s.Key, s.Deprecated, s.DefaultRoles)
	}
	rows := 0
	for _, row := range o.rowsOf(fact) {
		if auth, ok := authOf[row.Auth]; ok {
			o.compareRow(t, s, auth, row)
			rows += len(row.Clients)
		}
	}
	for _, row := range s.Rows {
		rows -= len(row.Clients)
	}
	if rows != 0 {
		t.Errorf("%s has %d rows that the facts do not have", s.Key, -rows)
	}
}

func (o *oracle) rowsOf(fact factService) []factRow {
	for _, other := range o.facts.Services {
		if fact.AliasOf == other.Key {
			return other.Rows
		}
	}
	return fact.Rows
}

func (o *oracle) compareRow(t *testing.T, s *Service, auth string, fact factRow) {
	t.Helper()
	for _, client := range fact.Clients {
		row, err := s.Row(auth, client)
		if err != nil || row.Default != fact.Default {
			t.Errorf("%s %s %s: default %t, error %v", s.Key, auth, client, row.Default, err)
		}
		var want, got []factSetting
		for _, setting := range fact.Settings {
			setting.Value = expected(t, o.unused, [4]string{s.Key, auth, client, setting.Name}, setting.Value)
			want = append(want, setting)
		}
		for _, setting := range row.Settings {
			got = append(got, factSetting{setting.Name, filter.ReplaceAllString(setting.Value, "$1}"), setting.Secret})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s %s: %s", s.Key, auth, client, diff)
		}
		o.rows++
		o.settings += len(got)
	}
}

// expected returns what the catalogue should have in this place, and strikes the
// deviation off the list.
func expected[K comparable](t *testing.T, list map[K]deviation, at K, fact string) string {
	t.Helper()
	d, ok := list[at]
	if !ok {
		return fact
	}
	delete(list, at)
	if d.ours == fact || d.reason == "" {
		t.Errorf("deviation %v does not deviate, or gives no reason", at)
	}
	return d.ours
}

func templates(s *Service) []string {
	var all []string
	for _, row := range s.Rows {
		for _, setting := range row.Settings {
			all = append(all, setting.Value)
		}
	}
	return all
}

func readFacts(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/target-services.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return content
}
