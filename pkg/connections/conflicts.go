// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"path"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Conflict returns a *mutate.Denial if the bindings cannot go into one pod
// together: two identities, one mount path or one variable for two connections. prefixes are
// those of the pod's request.
func Conflict(bindings []*Binding, prefixes map[string]string) error {
	if len(bindings) < 2 {
		return nil
	}
	if err := identityConflict(bindings); err != nil {
		return err
	}
	if err := pathConflict(bindings); err != nil {
		return err
	}
	return variableConflict(bindings, prefixes)
}

func pathConflict(bindings []*Binding) error {
	owners := map[string]string{}
	for _, b := range bindings {
		if b.files == nil || b.files.Path == "" {
			continue
		}
		name, at := b.Definition.Name, path.Clean(b.files.Path)
		if other, taken := owners[at]; taken {
			return mutate.Deny(mutate.ReasonVolume, "connections %q and %q both mount their files at %s; set spec.auth.keyVaultCSI.mountPath of one of them",
				other, name, mutate.Cut(at))
		}
		owners[at] = name
	}
	return nil
}

func identityConflict(bindings []*Binding) error {
	var first *Binding
	for _, b := range bindings {
		switch {
		case b.Identity == nil:
		case first == nil:
			first = b
		case first.Identity.ClientID == b.Identity.ClientID && differ(first.Identity.TenantID, b.Identity.TenantID):
			return mutate.Deny(mutate.ReasonIdentities,
				"connections %q and %q name two tenants for the identity %s; correct one of them",
				first.Definition.Name, b.Definition.Name, first.Identity.ClientID)
		case first.Identity.ClientID != b.Identity.ClientID:
			return mutate.Deny(mutate.ReasonIdentities,
				"connections %q and %q need two identities (%s and %s), but a pod has one service account; use one identity for both or two pods",
				first.Definition.Name, b.Definition.Name, first.Identity.ClientID, b.Identity.ClientID)
		}
	}
	return nil
}

// differ reports whether two tenants that are both said are not the same.
func differ(a, b v1alpha1.UUID) bool { return a != "" && b != "" && a != b }

func variableConflict(bindings []*Binding, prefixes map[string]string) error {
	owners := map[string]string{}
	for _, b := range bindings {
		name := b.Definition.Name
		for _, variable := range b.Variables {
			variable = prefixes[name] + variable
			if other, taken := owners[variable]; taken {
				return mutate.Deny(mutate.ReasonVariables, "connections %q and %q both set %s; set %s%s",
					other, name, variable, mutate.AnnotationEnvPrefix, name)
			}
			owners[variable] = name
		}
	}
	return nil
}
