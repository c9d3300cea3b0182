// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInCloud(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ template, cloud, want string }{
		"by omission":  {"https://{account}.blob.core.windows.net/", "", "https://{account}.blob.core.windows.net/"},
		"public":       {"https://{vault}.vault.azure.net/", CloudAzurePublic, "https://{vault}.vault.azure.net/"},
		"no host":      {"{password|url}", CloudAzureChina, "{password|url}"},
		"another host": {"{host}:{port}", CloudAzureUSGovernment, "{host}:{port}"},
		"storage":      {"https://{account}.blob.core.windows.net/", CloudAzureUSGovernment, "https://{account}.blob.core.usgovcloudapi.net/"},
		"its string": {
			"AccountName={account};AccountKey={account_key};EndpointSuffix=core.windows.net", CloudAzureChina,
			"AccountName={account};AccountKey={account_key};EndpointSuffix=core.chinacloudapi.cn",
		},
		"two hosts": {
			"https://management.azure.com/.default https://{account}.documents.azure.com:443/", CloudAzureChina,
			"https://management.chinacloudapi.cn/.default https://{account}.documents.azure.cn:443/",
		},
		"Cosmos DB":        {"https://{account}.table.cosmos.azure.com:443/", CloudAzureUSGovernment, "https://{account}.table.cosmos.azure.us:443/"},
		"PostgreSQL":       {"{server}.postgres.database.azure.com", CloudAzureChina, "{server}.postgres.database.chinacloudapi.cn"},
		"MySQL":            {"{user}@tcp({server}.mysql.database.azure.com:3306)", CloudAzureUSGovernment, "{user}@tcp({server}.mysql.database.usgovcloudapi.net:3306)"},
		"SQL":              {"{server}.database.windows.net,1433", CloudAzureChina, "{server}.database.chinacloudapi.cn,1433"},
		"Redis":            {"{name}.redis.cache.windows.net:6380,ssl=True", CloudAzureUSGovernment, "{name}.redis.cache.usgovcloudapi.net:6380,ssl=True"},
		"Service Bus":      {"sb://{namespace}.servicebus.windows.net/", CloudAzureChina, "sb://{namespace}.servicebus.chinacloudapi.cn/"},
		"vault":            {"https://{vault}.vault.azure.net/", CloudAzureUSGovernment, "https://{vault}.vault.usgovcloudapi.net/"},
		"vault, China":     {"https://{vault}.vault.azure.net/", CloudAzureChina, "https://{vault}.vault.azure.cn/"},
		"configuration":    {"https://{config_store}.azconfig.io", CloudAzureChina, "https://{config_store}.azconfig.azure.cn"},
		"SignalR":          {"Endpoint=https://{name}.service.signalr.net;", CloudAzureUSGovernment, "Endpoint=https://{name}.signalr.azure.us;"},
		"OpenAI":           {"https://{account}.openai.azure.com/", CloudAzureUSGovernment, "https://{account}.openai.azure.us/"},
		"speech":           {"https://{region}.stt.speech.microsoft.com", CloudAzureChina, "https://{region}.stt.speech.azure.cn"},
		"AI services":      {"https://{account}.cognitiveservices.azure.com/", CloudAzureUSGovernment, "https://{account}.cognitiveservices.azure.us/"},
		"Cassandra":        {"{account}.cassandra.cosmos.azure.com", CloudAzureChina, "{account}.cassandra.cosmos.azure.cn"},
		"twice":            {"a.azconfig.io b.azconfig.io", CloudAzureUSGovernment, "a.azconfig.azure.us b.azconfig.azure.us"},
		"Resource Manager": {"https://management.azure.com/x", CloudAzureUSGovernment, "https://management.usgovcloudapi.net/x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := InCloud(test.template, test.cloud)
			if err != nil || got != test.want {
				t.Errorf("got %q, error %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestInCloudRefuses(t *testing.T) {
	t.Parallel()
	_, err := InCloud("text", "AzureGermany")
	var unknown *UnknownCloudError
	if !errors.As(err, &unknown) || err.Error() != `"AzureGermany" is not a cloud; use AzurePublic, AzureUSGovernment, AzureChina` {
		t.Errorf("unknown cloud: %v", err)
	}
	_, err = InCloud("https://{account}.openai.azure.com/", CloudAzureChina)
	var none *NoCounterpartError
	if !errors.As(err, &none) || none.Host != "openai.azure.com" || !strings.Contains(err.Error(), CloudAzureChina) {
		t.Errorf("no counterpart: %v", err)
	}
}

// Every template either changes fully or is refused: what is left over would be
// a host of the public cloud.
func TestNoPublicHostIsLeft(t *testing.T) {
	t.Parallel()
	public := regexp.MustCompile(`[a-z]\.(azure\.com|azure\.net|windows\.net|microsoft\.com|signalr\.net|azconfig\.io|confluent\.cloud)`)
	refused := map[string]map[string]bool{}
	for _, s := range Services() {
		for _, template := range templates(s) {
			for _, cloud := range Clouds()[1:] {
				got, err := InCloud(template, cloud)
				if public.MatchString(got) {
					t.Errorf("%s: %s in %s", s.Key, got, cloud)
				}
				if err != nil {
					if refused[cloud] == nil {
						refused[cloud] = map[string]bool{}
					}
					refused[cloud][s.Key] = true
				}
			}
		}
	}
	want := map[string]map[string]bool{
		CloudAzureUSGovernment: {"confluent-cloud": true, "fabric-sql": true, "webpubsub": true},
		CloudAzureChina:        {"ai-services": true, "confluent-cloud": true, "fabric-sql": true, "openai": true, "webpubsub": true},
	}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Errorf("services without a counterpart: %s", diff)
	}
}

func TestHostSuffixesDoNotOverlap(t *testing.T) {
	t.Parallel()
	for i, a := range hostSuffixes {
		for j, b := range hostSuffixes {
			for _, text := range []string{b.Public, b.USGovernment, b.China} {
				if (i != j || text != b.Public) && strings.Contains(text, a.Public) {
					t.Errorf("%s is a part of %s; replacing it would change that, too", a.Public, text)
				}
			}
		}
	}
}

func TestHostSuffixes(t *testing.T) {
	t.Parallel()
	want := []HostSuffix{{"azconfig.io", "azconfig.azure.us", "azconfig.azure.cn"}}
	if diff := cmp.Diff(want, lookup(t, "appconfig").HostSuffixes()); diff != "" {
		t.Error(diff)
	}
	used := map[string]bool{}
	for _, s := range Services() {
		if got := s.HostSuffixes(); s.Group == GroupSelfHosted && len(got) > 0 {
			t.Errorf("%s is self-hosted and has %v", s.Key, got)
		}
		for _, suffix := range s.HostSuffixes() {
			used[suffix.Public] = true
		}
	}
	if len(used) != len(hostSuffixes) {
		t.Errorf("of %d suffixes %d occur: %v", len(hostSuffixes), len(used), used)
	}
}
