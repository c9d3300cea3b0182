// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// applyServiceAccount writes the service account unless one is there that does.
// found reports whether there was one before.
func (p *Provisioner) applyServiceAccount(ctx context.Context, namespace string, b *connections.Binding, mode Mode) (found bool, err error) {
	_, known := p.records.Known(connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: b.ServiceAccount})
	for look := known; ; look = true {
		var present *corev1.ServiceAccount
		if look {
			if present, err = p.presentServiceAccount(ctx, namespace, b); err != nil {
				return present != nil, err
			}
			returns := present != nil && !ours(present) && retained(present) == b.Definition.Owner()
			if present != nil && !returns && identityFor(b, present).AcceptedAs(*b.Identity) {
				return true, nil
			}
		}
		if _, err := p.writeServiceAccount(ctx, namespace, b, present, mode); present != nil || !lookAgain(err, look) {
			return present != nil, err
		}
	}
}

// identityFor returns the identity that a service account carries, for a binding
// that would use it.
func identityFor(b *connections.Binding, account *corev1.ServiceAccount) connections.Identity {
	identity := connections.IdentityOf(account)
	if ours(account) {
		return identity
	}
	return identity.OpenTo(*b.Identity)
}

// presentServiceAccount returns the service account of a binding that is there,
// nil for none. It denies the binding where that one neither does nor may be
// changed.
func (p *Provisioner) presentServiceAccount(ctx context.Context, namespace string, b *connections.Binding) (*corev1.ServiceAccount, error) {
	present, err := p.client.Core.ServiceAccounts(namespace).Get(ctx, b.ServiceAccount, metav1.GetOptions{})
	found, err := exists(err)
	if err != nil {
		return nil, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
	}
	if !found {
		return nil, nil
	}
	identity := identityFor(b, present)
	switch {
	case identity.AcceptedAs(*b.Identity):
	case !ours(present) && retained(present) != b.Definition.Owner():
		return present, mutate.Deny(mutate.ReasonForeign,
			"connection %q: service account %q in namespace %q was not made by Service Connector and does not carry %s=%s and the connection's tenant; annotate it so, or delete it",
			b.Definition.Name, b.ServiceAccount, namespace, v1alpha1.AnnotationClientID, b.Identity.ClientID)
	case identity.ClientID == string(b.Identity.ClientID) && identity.TenantID != "" && present.Labels[v1alpha1.LabelConnection] != b.Definition.Name:
		return present, mutate.Deny(mutate.ReasonForeign,
			"connection %q: service account %q in namespace %q is of another tenant, that of connection %q; correct the tenant of one of them",
			b.Definition.Name, b.ServiceAccount, namespace, mutate.Cut(present.Labels[v1alpha1.LabelConnection]))
	}
	return present, nil
}

// writeServiceAccount makes the service account of a binding, or applies it in place
// of the one that is there, nil for none.
func (p *Provisioner) writeServiceAccount(ctx context.Context, namespace string, b *connections.Binding, present *corev1.ServiceAccount, mode Mode) (*corev1.ServiceAccount, error) {
	client, wanted := p.client.Core.ServiceAccounts(namespace), desiredServiceAccount(namespace, b)
	if present == nil {
		written, err := client.Create(ctx, &corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: b.ServiceAccount, Labels: wanted.Labels, Annotations: wanted.Annotations},
		}, mode.createOptions())
		return written, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
	}
	if loses(present.Annotations, wanted.Annotations) {
		if _, err := claim(ctx, client, present, mode); err != nil {
			return nil, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
		}
	}
	written, err := client.Apply(ctx, wanted.WithUID(present.UID), mode.applyOptions())
	return written, refusal(err, b, connections.KindServiceAccount, namespace, b.ServiceAccount)
}
