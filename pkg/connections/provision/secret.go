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

// applySecret renders the settings and writes the Secret, unless one is there
// that is not this connection's.
func (p *Provisioner) applySecret(ctx context.Context, namespace string, b *connections.Binding, mode Mode) error {
	r, err := p.Render(ctx, b)
	if err != nil {
		return notReady(b, err)
	}
	present, err := p.presentSecret(ctx, namespace, b)
	if err != nil {
		return err
	}
	_, err = p.writeSecret(ctx, namespace, b, r, present, mode)
	return err
}

// presentSecret returns the Secret of a binding that is there, nil for none. It
// denies the binding where that is not this connection's.
func (p *Provisioner) presentSecret(ctx context.Context, namespace string, b *connections.Binding) (*corev1.Secret, error) {
	present, err := p.client.Core.Secrets(namespace).Get(ctx, b.Secret, metav1.GetOptions{})
	found, err := exists(err)
	switch {
	case err != nil:
		return nil, refusal(err, b, connections.KindSecret, namespace, b.Secret)
	case !found:
		return nil, nil
	}
	return present, checkMarks(present, connections.KindSecret, "rename it, or set spec.secretName of the connection", namespace, b)
}

// writeSecret applies the Secret of a binding in place of the one that is there,
// nil for none.
func (p *Provisioner) writeSecret(ctx context.Context, namespace string, b *connections.Binding, r *Rendering, present *corev1.Secret, mode Mode) (*corev1.Secret, error) {
	wanted := desiredSecret(namespace, b, r, present, p.now())
	written, err := p.client.Core.Secrets(namespace).Apply(ctx, wanted, mode.applyOptions(present != nil))
	return written, refusal(err, b, connections.KindSecret, namespace, b.Secret)
}

// checkMarks denies a binding whose object is there already, but without our
// mark, or with that of another connection. Of the two marks that name the
// connection one is enough: the other was edited, and is put back.
func checkMarks(present metav1.Object, kind connections.Kind, hint, namespace string, b *connections.Binding) error {
	name, owner := b.Definition.Name, present.GetLabels()[v1alpha1.LabelConnection]
	switch {
	case !ours(present) && retained(present) == b.Definition.Owner():
		return nil // once ours, for this very definition
	case !ours(present):
		return mutate.Deny(mutate.ReasonForeign,
			"connection %q: %s %q in namespace %q was not made by Service Connector and is left as it is; %s",
			name, kind, present.GetName(), namespace, hint)
	case owner != name && present.GetAnnotations()[v1alpha1.AnnotationOwner] != b.Definition.Owner():
		return mutate.Deny(mutate.ReasonForeign,
			"connection %q: %s %q in namespace %q belongs to connection %q; %s",
			name, kind, present.GetName(), namespace, mutate.Cut(owner), hint)
	}
	return nil
}
