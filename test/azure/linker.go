// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"maps"
	"slices"
)

// Linker is a connection of Service Connector on a cluster. What it leaves out,
// Azure shows as null.
type Linker struct {
	Name string `json:"name"`
	// Target is targetService: a document with a type, AzureResource and the like.
	Target any `json:"target,omitempty"`
	// Auth is authInfo: a document with an authType. Its credentials are not shown.
	Auth       any    `json:"auth,omitempty"`
	ClientType string `json:"clientType,omitempty"`
	// Scope is the namespace.
	Scope             string          `json:"scope,omitempty"`
	SecretStore       any             `json:"secretStore,omitempty"`
	ConfigurationInfo any             `json:"configurationInfo,omitempty"`
	Configurations    []Configuration `json:"configurations,omitempty"`
	// State is provisioningState: Succeeded if it is empty.
	State string `json:"state,omitempty"`
}

// Configuration is a name and a value that a connection gives to applications.
type Configuration struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// ConfigType is Default if it is empty. The value of a KeyVaultSecret is a
	// reference.
	ConfigType string `json:"configType,omitempty"`
	// Secret is whether the value is a credential, which is not shown. Without it,
	// the name decides and the kind of authentication.
	Secret *bool `json:"secret,omitempty"`
}

// SetLinker adds or replaces a linker of a cluster.
func (c *Cloud) SetLinker(clusterID string, l Linker) {
	c.change(func(s *state) {
		if s.linkers[key(clusterID)] == nil {
			s.linkers[key(clusterID)] = map[string]Linker{}
		}
		s.linkers[key(clusterID)][key(l.Name)] = l
	})
}

// RemoveLinker removes a linker of a cluster.
func (c *Cloud) RemoveLinker(clusterID, name string) {
	c.change(func(s *state) { delete(s.linkers[key(clusterID)], key(name)) })
}

// Linkers returns the linkers of a cluster by name.
func (c *Cloud) Linkers(clusterID string) []Linker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return sortedBy(c.state.linkers[key(clusterID)], func(l Linker) string { return l.Name })
}

// The members that Azure shows, as null unless they are set.
var (
	secretStoreMembers       = []string{"keyVaultId", "keyVaultSecretName"}
	configurationInfoMembers = []string{
		"action", "customizedKeys", "additionalConfigurations", "additionalConnectionStringProperties",
		"configurationStore", "daprProperties", "deleteOrUpdateBehavior",
	}
	daprMembers = []string{
		"version", "componentType", "secretStoreComponent", "metadata", "scopes", "runtimeVersion", "bindingComponentDirection",
	}
	authMembers = map[string][]string{
		"secret":                      {"name", "secretInfo"},
		"accessKey":                   {"permissions"},
		"userAssignedIdentity":        {"clientId", "subscriptionId", "userName", "roles", "deleteOrUpdateBehavior"},
		"systemAssignedIdentity":      {"userName", "roles", "deleteOrUpdateBehavior"},
		"servicePrincipalSecret":      {"clientId", "principalId", "secret", "userName", "roles", "deleteOrUpdateBehavior"},
		"servicePrincipalCertificate": {"clientId", "principalId", "certificate", "roles", "deleteOrUpdateBehavior"},
		"userAccount":                 {"principalId", "userName", "roles", "deleteOrUpdateBehavior"},
	}
)

// resource returns the linker as ARM shows it.
func (l Linker) resource(clusterID string) map[string]any {
	info := members(l.ConfigurationInfo, configurationInfoMembers)
	info["daprProperties"] = members(info["daprProperties"], daprMembers)
	info["configurationStore"] = members(info["configurationStore"], []string{"appConfigurationId"})
	return map[string]any{
		"id":         clusterID + "/providers/Microsoft.ServiceLinker/linkers/" + l.Name,
		"name":       l.Name,
		"type":       "microsoft.servicelinker/linkers",
		"systemData": nil,
		"properties": map[string]any{
			"targetService":         l.target(),
			"authInfo":              l.auth(),
			"clientType":            orNull(l.ClientType),
			"provisioningState":     l.provisioningState(),
			"scope":                 orNull(l.Scope),
			"secretStore":           members(l.SecretStore, secretStoreMembers),
			"vNetSolution":          nil,
			"publicNetworkSolution": nil,
			"configurationInfo":     info,
		},
	}
}

func (l Linker) provisioningState() string {
	if l.State == "" {
		return succeeded
	}
	return l.State
}

func (l Linker) target() any {
	target := object(l.Target)
	if target["type"] == "AzureResource" {
		return members(target, []string{"id", "resourceProperties"})
	}
	return orNil(target)
}

func (l Linker) auth() any {
	auth := object(l.Auth)
	if auth == nil {
		return nil
	}
	kind, _ := auth["authType"].(string)
	return blank(members(auth, append(slices.Clone(authMembers[kind]), "authMode")))
}

// members returns an object with at least the given members.
func members(given any, names []string) map[string]any {
	all := map[string]any{}
	for _, name := range names {
		all[name] = nil
	}
	maps.Copy(all, object(given))
	return all
}
