// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Config says which cluster is asked about, and where.
type Config struct {
	// Cluster is the ARM resource id of the AKS cluster.
	Cluster string
	// Cloud is AzurePublic, AzureUSGovernment or AzureChina; "" for AzurePublic.
	Cloud string
	// Identities are the resource ids of subscriptions and resource groups whose
	// identities may be given federated credentials; none for the cluster's
	// subscription.
	Identities []string
	// Authority and ResourceManager are the URLs of a cloud that is none of these;
	// both or neither.
	Authority, ResourceManager string
	// TryTime is how long one try of a request may take; 0 for 15 s.
	TryTime time.Duration
}

// clusterType is the type of an AKS cluster's resource.
const clusterType = "Microsoft.ContainerService/managedClusters"

var clouds = map[string]cloud.Configuration{
	"":                  cloud.AzurePublic,
	"AzurePublic":       cloud.AzurePublic,
	"AzureUSGovernment": cloud.AzureGovernment,
	"AzureChina":        cloud.AzureChina,
}

// Validate returns what is wrong with a configuration, in one line.
func (c Config) Validate() error {
	id, err := arm.ParseResourceID(c.Cluster)
	if err != nil || !strings.EqualFold(id.ResourceType.String(), clusterType) {
		return fmt.Errorf("%q is no resource id of an AKS cluster; az aks show --query id prints it", c.Cluster)
	}
	if _, ok := clouds[c.Cloud]; !ok {
		return fmt.Errorf("cloud %q is unknown; write AzurePublic, AzureUSGovernment or AzureChina", c.Cloud)
	}
	if (c.Authority == "") != (c.ResourceManager == "") {
		return fmt.Errorf("a cloud of its own needs both the authority's URL and the resource manager's")
	}
	for _, scope := range c.Identities {
		if id, err := arm.ParseResourceID(scope); err != nil || id.Name == "" || !strings.EqualFold(id.ResourceType.Type, "subscriptions") && !strings.EqualFold(id.ResourceType.Type, "resourceGroups") {
			return fmt.Errorf("%q is no resource id of a subscription or a resource group; write /subscriptions/ID or /subscriptions/ID/resourceGroups/NAME", scope)
		}
	}
	for _, text := range []string{c.Authority, c.ResourceManager} {
		if text == "" {
			continue
		}
		// A token is never sent in plain text.
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is no https URL", text)
		}
	}
	return nil
}

// own reports whether the cloud is none that the SDK knows.
func (c Config) own() bool { return c.Authority != "" }

func (c Config) cloud() cloud.Configuration {
	if !c.own() {
		return clouds[c.Cloud]
	}
	endpoint := strings.TrimSuffix(c.ResourceManager, "/")
	return cloud.Configuration{
		ActiveDirectoryAuthorityHost: strings.TrimSuffix(c.Authority, "/") + "/",
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: endpoint, Audience: endpoint}},
	}
}

func (c Config) scopes() []string {
	if len(c.Identities) > 0 {
		return c.Identities
	}
	id, err := arm.ParseResourceID(c.Cluster)
	if err != nil {
		return nil // Validate has said so
	}
	return []string{"/subscriptions/" + id.SubscriptionID}
}

// audience is that of tokens for Entra ID.
func (c Config) audience() string {
	if own, ok := audiences[c.Cloud]; ok {
		return own
	}
	return "api://AzureADTokenExchange"
}
