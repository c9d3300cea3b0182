// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// parameters returns the parameters of a target: those it lists, and those that
// its resource id holds. Where both name one they must agree, as ARM compares.
func parameters(target v1alpha1.Target) (map[string]string, error) {
	all := map[string]string{}
	if target.ResourceID != "" {
		held, err := catalogue.ParseResourceID(target.Service, target.ResourceID)
		if err != nil {
			return nil, problem(v1alpha1.ReasonResourceIDMismatch, "spec.target.resourceID: %v", err)
		}
		maps.Copy(all, held)
	}
	for _, name := range slices.Sorted(maps.Keys(target.Parameters)) {
		value := string(target.Parameters[name])
		if held, ok := all[name]; ok && !strings.EqualFold(held, value) {
			return nil, problem(v1alpha1.ReasonResourceIDMismatch,
				"spec.target.parameters.%s disagrees with the %s in spec.target.resourceID; leave one of them out", name, name)
		}
		all[name] = value
	}
	return all, nil
}

// checkParameters finds what the definition alone shows to be missing, misplaced
// or useless. A parameter may also be a key of the credentials Secret, so
// with that Secret nothing more can be said.
func (b *Binding) checkParameters() error {
	spec, needed := b.Definition.Spec, placeholders(b.settings)
	for _, name := range slices.Sorted(maps.Keys(spec.Target.Parameters)) {
		switch {
		case catalogue.Credential(name):
			return problem(v1alpha1.ReasonUnknownParameter,
				"spec.target.parameters: %s is a credential; put it into the Secret that spec.auth.secretRef names", name)
		case !slices.Contains(needed, name) && !slices.Contains(knownParameters(spec.Target.Service), name):
			return problem(v1alpha1.ReasonUnknownParameter, "spec.target.parameters: no setting uses %q; the settings use %s",
				name, orNothing(needed))
		}
	}
	if spec.Auth.SecretRef != nil || spec.Auth.ProvisionedServiceRef != nil {
		return nil
	}
	for _, name := range needed {
		if _, ok := b.placeholder(name, Sources{}); !ok {
			return missing(spec, name)
		}
	}
	return nil
}

// specValue returns the value of a placeholder that the definition itself holds.
func (b *Binding) specValue(name string) (string, bool) {
	if value, ok := identityValue(b.Definition.Spec.Auth, name); ok {
		return value, value != ""
	}
	value, ok := b.parameters[name]
	return value, ok
}

// identityValue returns the value of client_id or tenant_id where the auth
// member has it.
func identityValue(auth v1alpha1.Auth, name string) (string, bool) {
	var client, tenant v1alpha1.UUID
	switch {
	case auth.WorkloadIdentity != nil:
		client, tenant = auth.WorkloadIdentity.ClientID, auth.WorkloadIdentity.TenantID
	case auth.ServicePrincipal != nil:
		client, tenant = auth.ServicePrincipal.ClientID, auth.ServicePrincipal.TenantID
	default:
		return "", false
	}
	switch name {
	case "client_id":
		return string(client), true
	case "tenant_id":
		return string(tenant), true
	}
	return "", false
}

func missing(spec v1alpha1.ConnectionSpec, name string) *Problem {
	switch {
	case name == "tenant_id" && spec.Auth.WorkloadIdentity != nil:
		return problem(v1alpha1.ReasonMissingParameter, "the settings need tenant_id; set spec.auth.workloadIdentity.tenantID")
	case catalogue.Credential(name):
		return problem(v1alpha1.ReasonMissingParameter,
			"the settings need the credential %s; put it into a Secret and name that in spec.auth.secretRef", name)
	}
	return problem(v1alpha1.ReasonMissingParameter, "the settings need %s; set spec.target.parameters.%s", name, name)
}

func placeholders(settings []setting) []string {
	var names []string
	for _, s := range settings {
		names = append(names, catalogue.Placeholders(s.Template)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// knownParameters returns the parameters that a service knows for any client
// and authentication, so that changing those leaves a connection valid.
func knownParameters(service string) []string {
	s, ok := catalogue.Lookup(service)
	if !ok {
		return nil
	}
	return s.Parameters()
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
