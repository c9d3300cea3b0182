// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"strings"

	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
)

const (
	defaultLocation = "eastus"
	vaultAddon      = "azureKeyvaultSecretsProvider"
)

// Cluster is a managed cluster, as far as Service Connector looks at it.
type Cluster struct {
	ResourceID string `json:"resourceId"`
	// Location is eastus if it is empty.
	Location          string `json:"location,omitempty"`
	OIDCIssuerEnabled bool   `json:"oidcIssuerEnabled,omitempty"`
	// IssuerURL is what the cluster has, or will have once its issuer is enabled.
	IssuerURL        string `json:"issuerUrl,omitempty"`
	WorkloadIdentity bool   `json:"workloadIdentity,omitempty"`
	// KeyVaultAddon is whether azureKeyvaultSecretsProvider is enabled.
	KeyVaultAddon bool `json:"keyVaultAddon,omitempty"`
	// State is the provisioning state: Succeeded if it is empty.
	State string `json:"state,omitempty"`
}

// cluster is the SDK's model, with an issuer that need not show yet.
type cluster struct {
	model  aks.ManagedCluster
	issuer string
	update *operation
}

// AddCluster adds or replaces a cluster.
func (c *Cloud) AddCluster(added Cluster) {
	if added.Location == "" {
		added.Location = defaultLocation
	}
	if added.State == "" {
		added.State = succeeded
	}
	c.change(func(s *state) {
		kept := &cluster{model: added.model(), issuer: added.IssuerURL}
		kept.settle(added.State)
		s.clusters[key(added.ResourceID)] = kept
	})
}

// RemoveCluster removes a cluster and its linkers.
func (c *Cloud) RemoveCluster(id string) {
	c.change(func(s *state) {
		delete(s.clusters, key(id))
		delete(s.linkers, key(id))
	})
}

// Cluster returns a cluster as it is now. Looking does not further an update.
func (c *Cloud) Cluster(id string) (Cluster, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.state.clusters[key(id)]
	if !ok {
		return Cluster{}, false
	}
	return found.view(), true
}

func (c Cluster) model() aks.ManagedCluster {
	return aks.ManagedCluster{
		ID:       new(c.ResourceID),
		Name:     new(c.ResourceID[strings.LastIndex(c.ResourceID, "/")+1:]),
		Type:     new(clusterProvider + "/" + clusterType),
		Location: new(c.Location),
		ETag:     new(newID()),
		Properties: &aks.ManagedClusterProperties{
			OidcIssuerProfile: &aks.ManagedClusterOIDCIssuerProfile{Enabled: new(c.OIDCIssuerEnabled)},
			SecurityProfile: &aks.ManagedClusterSecurityProfile{
				WorkloadIdentity: &aks.ManagedClusterSecurityProfileWorkloadIdentity{Enabled: new(c.WorkloadIdentity)},
			},
			AddonProfiles: map[string]*aks.ManagedClusterAddonProfile{vaultAddon: {Enabled: new(c.KeyVaultAddon)}},
		},
	}
}

func (c *cluster) view() Cluster {
	p := c.model.Properties
	return Cluster{
		ResourceID:        value(c.model.ID),
		Location:          value(c.model.Location),
		OIDCIssuerEnabled: value(value(p.OidcIssuerProfile).Enabled),
		IssuerURL:         value(value(p.OidcIssuerProfile).IssuerURL),
		WorkloadIdentity:  value(value(value(p.SecurityProfile).WorkloadIdentity).Enabled),
		KeyVaultAddon:     value(value(p.AddonProfiles[vaultAddon]).Enabled),
		State:             value(p.ProvisioningState),
	}
}

// settle ends an update: what the cluster gets from Azure shows.
func (c *cluster) settle(state string) {
	p := c.model.Properties
	p.ProvisioningState, c.update = new(state), nil
	if issuer := p.OidcIssuerProfile; issuer != nil && value(issuer.Enabled) {
		issuer.IssuerURL = new(c.issuer)
	}
	if addon := p.AddonProfiles[vaultAddon]; addon != nil && value(addon.Enabled) && addon.Identity == nil {
		addon.Identity = &aks.ManagedClusterAddonProfileIdentity{
			ClientID: new(newID()), ObjectID: new(newID()),
			ResourceID: new(value(c.model.ID) + "-" + strings.ToLower(vaultAddon)),
		}
	}
}
