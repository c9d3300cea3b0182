// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"slices"
	"strings"
)

// The clouds that Azure's hosts can be in.
const (
	// CloudAzurePublic is the one that templates are written for.
	CloudAzurePublic = "AzurePublic"
	// CloudAzureUSGovernment is Azure Government.
	CloudAzureUSGovernment = "AzureUSGovernment"
	// CloudAzureChina is Azure operated by 21Vianet.
	CloudAzureChina = "AzureChina"
)

// HostSuffix is the end of a host name in each cloud.
type HostSuffix struct {
	// Public is that of the public cloud.
	Public string
	// USGovernment is that of Azure Government; "" if there is none.
	USGovernment string
	// China is that of Azure in China; "" if there is none.
	China string
}

// hostSuffixes are all that templates have; none is a part of another.
//
// Sources: "Azure Private Endpoint private DNS zone values" (azure/private-link/
// private-endpoint-dns, the tables of public DNS zone forwarders for Commercial,
// Government and China), "Compare Azure Government and global Azure"
// (azure/azure-government/compare-azure-government-global-azure) and "Azure China
// developer guide" (docs.azure.cn, articles/guidance/developerdifferences) for
// Resource Manager, Key Vault and SignalR Service, Azure/azure-signalr#1877 for the
// latter in China, "Azure OpenAI in Azure Government", and "Speech service in
// sovereign clouds".
//
// Without a counterpart: no page names a suffix of Web PubSub, Fabric or Confluent
// Cloud in the two clouds, or of Azure OpenAI in China.
var hostSuffixes = []HostSuffix{
	{"azconfig.io", "azconfig.azure.us", "azconfig.azure.cn"},
	{"azure.confluent.cloud", "", ""},
	{"cognitiveservices.azure.com", "cognitiveservices.azure.us", "cognitiveservices.azure.cn"},
	{"core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn"},
	{"cosmos.azure.com", "cosmos.azure.us", "cosmos.azure.cn"},
	{"database.fabric.microsoft.com", "", ""},
	{"database.windows.net", "database.usgovcloudapi.net", "database.chinacloudapi.cn"},
	{"documents.azure.com", "documents.azure.us", "documents.azure.cn"},
	{"management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"},
	{"mysql.database.azure.com", "mysql.database.usgovcloudapi.net", "mysql.database.chinacloudapi.cn"},
	{"openai.azure.com", "openai.azure.us", ""},
	{"postgres.database.azure.com", "postgres.database.usgovcloudapi.net", "postgres.database.chinacloudapi.cn"},
	{"redis.cache.windows.net", "redis.cache.usgovcloudapi.net", "redis.cache.chinacloudapi.cn"},
	{"service.signalr.net", "signalr.azure.us", "signalr.azure.cn"},
	{"servicebus.windows.net", "servicebus.usgovcloudapi.net", "servicebus.chinacloudapi.cn"},
	{"speech.microsoft.com", "speech.azure.us", "speech.azure.cn"},
	{"vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn"},
	{"webpubsub.azure.com", "", ""},
}

// In returns the suffix in a cloud; "" if there is none.
func (h HostSuffix) In(cloud string) string {
	switch cloud {
	case CloudAzureUSGovernment:
		return h.USGovernment
	case CloudAzureChina:
		return h.China
	}
	return h.Public
}

// UnknownCloudError says that there is no such cloud.
type UnknownCloudError struct {
	// Cloud is the cloud asked for.
	Cloud string
	// Known are the clouds there are.
	Known []string
}

// Error implements error.
func (e *UnknownCloudError) Error() string {
	return fmt.Sprintf("%q is not a cloud; use %s", e.Cloud, strings.Join(e.Known, ", "))
}

// NoCounterpartError says that a host of the public cloud has none that answers
// to it in another cloud.
type NoCounterpartError struct {
	// Host is the end of the host's name.
	Host string
	// Cloud is the other cloud.
	Cloud string
}

// Error implements error.
func (e *NoCounterpartError) Error() string {
	return fmt.Sprintf("%s has no known counterpart in %s; list the settings with their hosts in a connection to service %s", e.Host, e.Cloud, Custom)
}

// Clouds returns every cloud there is, the default first.
func Clouds() []string {
	return []string{CloudAzurePublic, CloudAzureUSGovernment, CloudAzureChina}
}

// InCloud returns a template of the catalogue with the hosts of a cloud; cloud
// "" means the public one. Its errors are *UnknownCloudError and
// *NoCounterpartError.
func InCloud(template, cloud string) (string, error) {
	if cloud == "" || cloud == CloudAzurePublic {
		return template, nil
	}
	if !slices.Contains(Clouds(), cloud) {
		return "", &UnknownCloudError{Cloud: cloud, Known: Clouds()}
	}
	for _, suffix := range hostSuffixes {
		if !strings.Contains(template, suffix.Public) {
			continue
		}
		if suffix.In(cloud) == "" {
			return "", &NoCounterpartError{Host: suffix.Public, Cloud: cloud}
		}
		template = strings.ReplaceAll(template, suffix.Public, suffix.In(cloud))
	}
	return template, nil
}

// HostSuffixes returns the suffixes that the settings of the service have.
func (s *Service) HostSuffixes() []HostSuffix {
	return slices.DeleteFunc(slices.Clone(hostSuffixes), func(suffix HostSuffix) bool {
		return !slices.ContainsFunc(s.Rows, func(row Row) bool {
			return slices.ContainsFunc(row.Settings, func(setting Setting) bool { return strings.Contains(setting.Value, suffix.Public) })
		})
	})
}
