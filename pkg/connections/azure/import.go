// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Imported is what a linker becomes: a Connection.
type Imported struct {
	// Linker is the linker's resource id.
	Linker string
	// Namespace and Name are the Connection's.
	Namespace, Name string
	// Spec is what the linker says. How it is injected, rolled out and left is not
	// Azure's to say, and stays as the namespace has it.
	Spec v1alpha1.ConnectionSpec
	// Problem is what keeps the linker from being a Connection; nil for nothing.
	Problem *connections.Problem
}

// defaultScope is the namespace of a linker that names none. Source: Azure/azure-cli,
// the option --kube-namespace of az aks connection create.
const defaultScope = "default"

// Import makes a Connection of a linker and its settings. tenant is that of service
// principals, which Azure does not say.
func Import(l Linker, settings []Configuration, tenant, cloud string) Imported {
	i := Unknown(l, nil)
	if state := l.Properties.ProvisioningState; state != "" && state != "Succeeded" {
		i.Problem = notSupported("its state in Azure is %s; see az aks connection show", state)
		return i
	}
	i.Spec, i.Problem = specOf(l, settings, tenant, cloud)
	return i
}

// Unknown is a linker of which it is not known what it becomes, because of a problem.
func Unknown(l Linker, problem *connections.Problem) Imported {
	return Imported{Linker: l.ID, Namespace: cmp.Or(l.Properties.Scope, defaultScope), Name: ConnectionName(l.Name), Problem: problem}
}

func specOf(l Linker, settings []Configuration, tenant, cloud string) (v1alpha1.ConnectionSpec, *connections.Problem) {
	properties := l.Properties
	spec := v1alpha1.ConnectionSpec{
		Client:     cmp.Or(properties.ClientType, "none"),
		SecretName: SecretName(l.Name),
		Target:     v1alpha1.Target{ResourceID: properties.TargetService.ID, Cloud: cloud},
	}
	var problem *connections.Problem
	if spec.Target.Service, problem = serviceOf(properties.TargetService, settings); problem != nil {
		return spec, problem
	}
	if spec.Auth, problem = authOf(l, tenant); problem != nil {
		return spec, problem
	}
	service, _ := catalogue.Lookup(spec.Target.Service)
	if user := cmp.Or(properties.AuthInfo.Name, properties.AuthInfo.UserName); user != "" && slices.Contains(service.Parameters(), "user") {
		spec.Target.Parameters = map[string]v1alpha1.Parameter{"user": v1alpha1.Parameter(user)}
	}
	rows, err := service.Settings(string(spec.Auth.Type), spec.Client)
	if err != nil {
		return spec, notSupported("%v", err)
	}
	spec.Rename = renamed(properties.ConfigurationInfo.CustomizedKeys, rows)
	spec.Settings = differing(l.Name, spec, settings)
	return spec, nil
}

// serviceOf finds the service of a target. Where several have resource ids of that
// kind, the names of the settings tell which it is.
func serviceOf(target TargetService, settings []Configuration) (string, *connections.Problem) {
	if target.Type != "AzureResource" {
		return "", notSupported("its target is a %s, of which Azure says too little; write a Connection for it", cmp.Or(target.Type, "target without a type"))
	}
	if target.ResourceProperties.ConnectAsKubernetesCSIDriver {
		return "", notSupported("it takes a Key Vault through the CSI driver, and Azure does not say which objects; write a Connection with auth.type KeyVaultCSI")
	}
	keys := catalogue.ServicesOf(target.ID)
	if len(keys) == 0 {
		return "", notSupported("its target is of no service in the catalogue; write a Connection with service custom")
	}
	return slices.MaxFunc(keys, func(a, b string) int { return cmp.Compare(fits(a, settings), fits(b, settings)) }), nil
}

// fits counts the settings that a service's variables look like.
func fits(key string, settings []Configuration) int {
	service, _ := catalogue.Lookup(key)
	n := 0
	for _, s := range settings {
		if strings.HasPrefix(s.Name, service.EnvPrefix+"_") {
			n++
		}
	}
	return n
}

func authOf(l Linker, tenant string) (v1alpha1.Auth, *connections.Problem) {
	info, credentials := l.Properties.AuthInfo, &v1alpha1.SecretReference{Name: CredentialsName(l.Name)}
	switch info.AuthType {
	case "secret", "accessKey":
		return v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: credentials}, nil
	case "servicePrincipalSecret":
		if info.ClientID == "" || tenant == "" {
			return v1alpha1.Auth{}, notSupported("it is of a service principal without a client id, or the webhook has no AZURE_TENANT_ID; write a Connection for it")
		}
		return v1alpha1.Auth{Type: v1alpha1.AuthServicePrincipal, SecretRef: credentials,
			ServicePrincipal: &v1alpha1.ServicePrincipal{ClientID: v1alpha1.UUID(info.ClientID), TenantID: v1alpha1.UUID(tenant)}}, nil
	case "userAssignedIdentity":
		if info.ClientID == "" {
			return v1alpha1.Auth{}, notSupported("it names no client id of its identity; update it with az aks connection")
		}
		return v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: v1alpha1.UUID(info.ClientID)}}, nil
	}
	return v1alpha1.Auth{}, notSupported("it authenticates by %s, which pods cannot; update it with az aks connection", cmp.Or(info.AuthType, "nothing"))
}

// renamed keeps the new names of settings that there are.
func renamed(keys map[string]string, rows []catalogue.Setting) map[string]string {
	names := maps.Clone(keys)
	maps.DeleteFunc(names, func(from, _ string) bool {
		return !slices.ContainsFunc(rows, func(s catalogue.Setting) bool { return s.Name == from })
	})
	if len(names) == 0 {
		return nil
	}
	return names
}

// differing returns the settings that Azure gives and the catalogue would not, or
// with another value. Credentials are not among them, nor are references into
// vaults, which nothing in a cluster resolves.
func differing(name string, spec v1alpha1.ConnectionSpec, settings []Configuration) []v1alpha1.Setting {
	plain := map[string]string{}
	// A definition with a problem says so itself, once it is a Connection.
	if b, err := connections.Bind(connections.Definition{Name: name, Namespace: defaultScope, Spec: spec}); err == nil {
		plain = b.Plain()
	}
	var own []v1alpha1.Setting
	for _, s := range settings {
		literal := s.Value != "" && len(catalogue.Placeholders(s.Value)) == 0 && (s.ConfigType == "" || s.ConfigType == "Default")
		if literal && plain[s.Name] != s.Value {
			own = append(own, v1alpha1.Setting{Name: s.Name, Value: new(s.Value)})
		}
	}
	slices.SortFunc(own, func(a, b v1alpha1.Setting) int { return cmp.Compare(a.Name, b.Name) })
	return own
}

func notSupported(format string, args ...any) *connections.Problem {
	return &connections.Problem{Reason: v1alpha1.ReasonNotImportable, Message: fmt.Sprintf(format, args...)}
}
