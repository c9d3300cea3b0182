// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strings"

	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// The names of the features.
const (
	OIDCIssuer       = "oidc-issuer"
	WorkloadIdentity = "workload-identity"
	KeyVault         = "key-vault"
)

// Names are all of them, each after those that it needs.
var Names = []string{OIDCIssuer, WorkloadIdentity, KeyVault}

// vaultAddon is the add-on for Key Vault. Source: Azure/azure-cli, aks enable-addons
// --addons azure-keyvault-secrets-provider.
const vaultAddon = "azureKeyvaultSecretsProvider"

// Feature is one of a cluster.
type Feature struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// NeededFor are the ways to authenticate that need it.
	NeededFor []v1alpha1.AuthType `json:"neededFor"`
	// Detail is what it gives: the issuer's URL, the add-on's identity; "" for
	// nothing.
	Detail string `json:"detail,omitempty"`
}

// of returns the features of a cluster.
func of(c aks.ManagedCluster) []Feature {
	p := value(c.Properties)
	issuer, vault := value(p.OidcIssuerProfile), value(p.AddonProfiles[vaultAddon])
	return []Feature{
		{Name: OIDCIssuer, Enabled: value(issuer.Enabled), Detail: value(issuer.IssuerURL), NeededFor: []v1alpha1.AuthType{v1alpha1.AuthWorkloadIdentity}},
		{Name: WorkloadIdentity, Enabled: value(value(value(p.SecurityProfile).WorkloadIdentity).Enabled), NeededFor: []v1alpha1.AuthType{v1alpha1.AuthWorkloadIdentity}},
		{Name: KeyVault, Enabled: value(vault.Enabled), Detail: value(value(vault.Identity).ClientID), NeededFor: []v1alpha1.AuthType{v1alpha1.AuthKeyVaultCSI}},
	}
}

// enable switches features on, with those that they need, and returns which were off.
func enable(c *aks.ManagedCluster, names []string) (changed []string, err error) {
	for _, name := range names {
		if !slices.Contains(Names, name) {
			return nil, fmt.Errorf("feature %q is unknown; those there are: %s", name, strings.Join(Names, ", "))
		}
	}
	wanted := slices.Clone(names)
	if slices.Contains(wanted, WorkloadIdentity) {
		wanted = append(wanted, OIDCIssuer)
	}
	if c.Properties == nil {
		c.Properties = &aks.ManagedClusterProperties{}
	}
	for _, f := range of(*c) {
		if f.Enabled || !slices.Contains(wanted, f.Name) {
			continue
		}
		changed = append(changed, f.Name)
		switchOn(c.Properties, f.Name)
	}
	return changed, nil
}

func switchOn(p *aks.ManagedClusterProperties, name string) {
	switch name {
	case OIDCIssuer:
		p.OidcIssuerProfile = &aks.ManagedClusterOIDCIssuerProfile{Enabled: new(true)}
	case WorkloadIdentity:
		if p.SecurityProfile == nil {
			p.SecurityProfile = &aks.ManagedClusterSecurityProfile{}
		}
		p.SecurityProfile.WorkloadIdentity = &aks.ManagedClusterSecurityProfileWorkloadIdentity{Enabled: new(true)}
	case KeyVault:
		if p.AddonProfiles == nil {
			p.AddonProfiles = map[string]*aks.ManagedClusterAddonProfile{}
		}
		if p.AddonProfiles[vaultAddon] == nil { // its settings stay otherwise
			p.AddonProfiles[vaultAddon] = &aks.ManagedClusterAddonProfile{}
		}
		p.AddonProfiles[vaultAddon].Enabled = new(true)
	}
}

// value returns what a pointer of the SDK points to; the zero value for none.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
