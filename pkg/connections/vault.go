// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// vaultRoot is where the files of vaults are mounted, one folder a connection,
// unless the connection says otherwise.
const vaultRoot = "/mnt/secrets-store/"

// providerClouds are the provider's names of clouds. Source: the documentation of
// the Azure provider, which takes those of the Azure SDK.
var providerClouds = map[string]string{
	catalogue.CloudAzureUSGovernment: "AzureUSGovernmentCloud",
	catalogue.CloudAzureChina:        "AzureChinaCloud",
}

// ProviderClass is what a SecretProviderClass (secrets-store.csi.x-k8s.io/v1)
// says. Source: the documentation of the Secrets Store CSI driver and of its
// Azure provider.
type ProviderClass struct {
	// Name is sc-<connection>-secretprovider, as Azure Service Connector names it.
	Name string
	// Parameters are those of the Azure provider.
	Parameters map[string]string
	// Synced maps the variables to the files whose content they get; the driver
	// keeps them in the binding's Secret while a pod mounts the class.
	Synced map[string]string
}

// vaultObject is one entry of the provider's parameter objects. Source: the
// documentation of the Azure provider.
type vaultObject struct {
	Name    string `json:"objectName"`
	Alias   string `json:"objectAlias,omitempty"`
	Type    string `json:"objectType"`
	Version string `json:"objectVersion,omitempty"`
}

// bindVault binds a connection whose files come out of a vault.
func (b *Binding) bindVault(vault v1alpha1.KeyVaultCSI) error {
	if err := b.checkVault(vault); err != nil {
		return err
	}
	name := b.parameters["vault"]
	if name == "" {
		return problem(v1alpha1.ReasonMissingParameter, "the vault is not named; set spec.target.parameters.vault or spec.target.resourceID")
	}
	objects, err := b.vaultObjects(vault.Objects)
	if err != nil {
		return err
	}
	class := &ProviderClass{Name: "sc-" + b.Definition.Name + "-secretprovider", Synced: map[string]string{}}
	class.Parameters = map[string]string{
		"keyvaultName":   name,
		"tenantId":       string(vault.TenantID),
		"usePodIdentity": "false",
		"objects":        objects,
	}
	if cloud := providerClouds[b.Definition.Spec.Target.Cloud]; cloud != "" {
		class.Parameters["cloudName"] = cloud
	}
	if vault.ClientID != "" {
		class.Parameters["clientID"] = string(vault.ClientID)
		b.Identity = &v1alpha1.WorkloadIdentity{ClientID: vault.ClientID, TenantID: vault.TenantID}
	} else {
		class.Parameters["useVMManagedIdentity"] = "true"
		class.Parameters["userAssignedIdentityID"] = string(vault.AddonClientID)
	}
	for _, object := range vault.Objects {
		if object.Variable != "" {
			class.Synced[object.Variable] = cmp.Or(object.File, object.Name)
			b.Variables = append(b.Variables, object.Variable)
		}
	}
	if len(b.Variables) == 0 {
		b.Secret = "" // the driver syncs none
	}
	b.ProviderClass = class
	b.files = &mutate.Files{ProviderClass: class.Name, Path: cmp.Or(vault.MountPath, vaultRoot+b.Definition.Name)}
	return nil
}

// checkVault finds what is wrong with a vault's connection as such.
func (b *Binding) checkVault(vault v1alpha1.KeyVaultCSI) error {
	spec := b.Definition.Spec
	if spec.Client != "" && !slices.Contains(catalogue.ClientTypes(), spec.Client) {
		return problem(v1alpha1.ReasonUnknownClient, "spec.client: %q is not a client type; use %s", spec.Client, strings.Join(catalogue.ClientTypes(), ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Target.Parameters)) {
		if known := knownParameters(spec.Target.Service); !slices.Contains(known, name) {
			return problem(v1alpha1.ReasonUnknownParameter, "spec.target.parameters: a vault has no %q; it has %s", name, orNothing(known))
		}
	}
	if at := vault.MountPath; at != "" && (at == "/" || path.Clean(at) != at) {
		return problem(v1alpha1.ReasonIllegalSetting, "spec.auth.keyVaultCSI.mountPath %q is no plain path of a folder; write one such as %s%s",
			at, vaultRoot, b.Definition.Name)
	}
	return nil
}

// vaultObjects writes the parameter objects: YAML that holds a list of YAML.
func (b *Binding) vaultObjects(objects []v1alpha1.VaultObject) (string, error) {
	var list []string
	files, variables := map[string]bool{}, map[string]bool{}
	for _, object := range objects {
		file := cmp.Or(object.File, object.Name)
		switch {
		case file == "." || strings.HasPrefix(file, ".."):
			return "", problem(v1alpha1.ReasonIllegalSetting, "file %q cannot be the name of a file; change spec.auth.keyVaultCSI.objects[].file", file)
		case files[file]:
			return "", problem(v1alpha1.ReasonIllegalSetting, "file %q is written twice; set spec.auth.keyVaultCSI.objects[].file", file)
		case variables[object.Variable]:
			return "", problem(v1alpha1.ReasonIllegalSetting, "variable %q is set twice; change spec.auth.keyVaultCSI.objects[].variable", object.Variable)
		case object.Variable != "" && !legalVariable(object.Variable):
			return "", illegalName(object.Variable)
		}
		files[file] = true
		variables[object.Variable] = object.Variable != ""
		raw, err := yaml.Marshal(vaultObject{Name: object.Name, Alias: object.File, Type: cmp.Or(object.Type, "secret"), Version: object.Version})
		if err != nil {
			return "", fmt.Errorf("writing the vault's objects: %w", err)
		}
		list = append(list, string(raw))
	}
	raw, err := yaml.Marshal(map[string][]string{"array": list})
	if err != nil {
		return "", fmt.Errorf("writing the vault's objects: %w", err)
	}
	return string(raw), nil
}
