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

// applySecret renders the settings and writes the Secret, unless one is there
// that is not this connection's.
func (p *Provisioner) applySecret(ctx context.Context, namespace string, b *connections.Binding, mode Mode) error {
	data, err := p.render(ctx, b)
	if err != nil {
		return notReady(b, err)
	}
	present, err := p.client.Core.Secrets(namespace).Get(ctx, b.Secret, metav1.GetOptions{})
	found, err := exists(err)
	if err != nil {
		return refusal(err, b, connections.KindSecret, namespace, b.Secret)
	}
	if found {
		if err := checkMarks(present, connections.KindSecret, "rename it, or set spec.secretName of the connection", namespace, b); err != nil {
			return err
		}
	}
	wanted := desiredSecret(namespace, b, data)
	if found {
		// A Secret's type cannot be changed; the entry type in it can.
		wanted.WithUID(present.UID).WithType(present.Type)
	}
	_, err = p.client.Core.Secrets(namespace).Apply(ctx, wanted, mode.applyOptions(found))
	return refusal(err, b, connections.KindSecret, namespace, b.Secret)
}

// checkMarks denies a binding whose object is there already, but without our
// mark, or with that of another connection.
func checkMarks(present metav1.Object, kind connections.Kind, hint, namespace string, b *connections.Binding) error {
	name, owner := b.Definition.Name, present.GetLabels()[v1alpha1.LabelConnection]
	switch {
	case !ours(present):
		return mutate.Deny(mutate.ReasonForeign,
			"connection %q: %s %q in namespace %q was not made by Service Connector and is left as it is; %s",
			name, kind, present.GetName(), namespace, hint)
	case owner != name:
		return mutate.Deny(mutate.ReasonForeign,
			"connection %q: %s %q in namespace %q belongs to connection %q; %s",
			name, kind, present.GetName(), namespace, mutate.Cut(owner), hint)
	}
	return nil
}
