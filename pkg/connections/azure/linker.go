// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// linkerVersion is the version of the API of Service Connector. Source for all
// that is read here: Azure/azure-rest-api-specs, specification/servicelinker, its
// stable version of that date.
const linkerVersion = "2024-04-01"

// Linker is a connection of Azure's Service Connector. What Azure leaves out it
// gives as null, and objects with nothing but null in them: any field may be empty.
type Linker struct {
	// ID is its ARM resource id, Name its name: letters, digits, dots and
	// underscores.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Properties are what it says.
	Properties LinkerProperties `json:"properties"`
}

// LinkerProperties are what a linker says.
type LinkerProperties struct {
	TargetService TargetService `json:"targetService"`
	AuthInfo      AuthInfo      `json:"authInfo"`
	// ClientType is one of the catalogue's client types.
	ClientType string `json:"clientType"`
	// ProvisioningState is Succeeded for one that is usable.
	ProvisioningState string `json:"provisioningState"`
	// Scope is the Kubernetes namespace.
	Scope             string            `json:"scope"`
	ConfigurationInfo ConfigurationInfo `json:"configurationInfo"`
}

// TargetService is what a linker leads to.
type TargetService struct {
	// Type is AzureResource, ConfluentBootstrapServer, ConfluentSchemaRegistry,
	// SelfHostedServer or FabricPlatform.
	Type string `json:"type"`
	// ID is the resource id of an AzureResource.
	ID string `json:"id"`
	// Endpoint is where one that is no resource of Azure is.
	Endpoint           string             `json:"endpoint"`
	ResourceProperties ResourceProperties `json:"resourceProperties"`
}

// ResourceProperties are the switches that only clusters have.
type ResourceProperties struct {
	// Type is KeyVault or AppConfig.
	Type                          string `json:"type"`
	ConnectAsKubernetesCSIDriver  bool   `json:"connectAsKubernetesCsiDriver"`
	ConnectWithKubernetesExension bool   `json:"connectWithKubernetesExtension"`
}

// AuthInfo is how a linker authenticates. Credentials come back as null.
type AuthInfo struct {
	// AuthType is secret, accessKey, userAssignedIdentity, servicePrincipalSecret,
	// or another that clusters do not have.
	AuthType string `json:"authType"`
	// Name is the user of a secret, UserName that of an identity.
	Name     string `json:"name"`
	UserName string `json:"userName"`
	ClientID string `json:"clientId"`
}

// ConfigurationInfo is how the user changed the settings.
type ConfigurationInfo struct {
	// CustomizedKeys are new names of settings, by their old ones.
	CustomizedKeys map[string]string `json:"customizedKeys"`
}

// Configuration is one setting of a linker.
type Configuration struct {
	Name string `json:"name"`
	// Value is "" for a credential.
	Value string `json:"value"`
	// ConfigType is Default, or KeyVaultSecret for one whose value is a reference
	// into a vault.
	ConfigType string `json:"configType"`
}

// Linkers returns all linkers of the cluster.
func (c *Client) Linkers(ctx context.Context) ([]Linker, error) {
	var all []Linker
	first, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(c.arm.Endpoint(), c.config.Cluster, "providers/Microsoft.ServiceLinker/linkers"))
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	first.Raw().URL.RawQuery = url.Values{"api-version": {linkerVersion}}.Encode()
	for request := first; request != nil; {
		var page struct {
			Value    []Linker `json:"value"`
			NextLink string   `json:"nextLink"`
		}
		if err := c.send(request, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.NextLink == "" {
			break
		}
		// A token goes to no other host than that which is configured.
		if !strings.HasPrefix(page.NextLink, strings.TrimSuffix(c.arm.Endpoint(), "/")+"/") {
			return nil, fmt.Errorf("the next page of the list is at another host than %s", c.arm.Endpoint())
		}
		if request, err = runtime.NewRequest(ctx, http.MethodGet, page.NextLink); err != nil {
			return nil, fmt.Errorf("building the request for the next page: %w", err)
		}
	}
	return all, nil
}

// Configurations returns the settings of a linker.
func (c *Client) Configurations(ctx context.Context, linker string) ([]Configuration, error) {
	var answer struct {
		Configurations []Configuration `json:"configurations"`
	}
	path := runtime.JoinPaths(c.config.Cluster, "providers/Microsoft.ServiceLinker/linkers", url.PathEscape(linker), "listConfigurations")
	return answer.Configurations, c.call(ctx, http.MethodPost, path, linkerVersion, &answer)
}
