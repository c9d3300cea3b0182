// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// applyServiceAccount writes the service account unless one is there that does.
// found reports whether there was one before.
func (p *Provisioner) applyServiceAccount(ctx context.Context, namespace string, b *connections.Binding, mode Mode) (found bool, err error) {
	present, err := p.client.Core.ServiceAccounts(namespace).Get(ctx, b.ServiceAccount, metav1.GetOptions{})
	if found, err = exists(err); err != nil {
		return false, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
	}
	identity := connections.IdentityOf(present)
	if !ours(present) {
		identity = identity.OpenTo(*b.Identity)
	}
	switch {
	case found && identity.AcceptedAs(*b.Identity):
		return true, nil
	case found && !ours(present):
		return true, mutate.Deny(mutate.ReasonForeign,
			"connection %q: service account %q in namespace %q was not made by Service Connector and does not carry %s=%s and the connection's tenant; annotate it so, or delete it",
			b.Definition.Name, b.ServiceAccount, namespace, v1alpha1.AnnotationClientID, b.Identity.ClientID)
	case found && identity.ClientID == string(b.Identity.ClientID) && identity.TenantID != "" && present.Labels[v1alpha1.LabelConnection] != b.Definition.Name:
		return true, mutate.Deny(mutate.ReasonForeign,
			"connection %q: service account %q in namespace %q is of another tenant, that of connection %q; correct the tenant of one of them",
			b.Definition.Name, b.ServiceAccount, namespace, mutate.Cut(present.Labels[v1alpha1.LabelConnection]))
	}
	wanted := desiredServiceAccount(namespace, b)
	if found {
		wanted.WithUID(present.UID)
	}
	_, err = p.client.Core.ServiceAccounts(namespace).Apply(ctx, wanted, mode.applyOptions(found))
	return found, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
}
