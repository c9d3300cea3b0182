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
	_, known := p.records.Known(b.SettingsIn(namespace))
	for look := known || b.Definition.Imported; ; look = true {
		var present *corev1.Secret
		if look {
			if present, err = p.presentSecret(ctx, namespace, b); err != nil || madeByAzure(present, b) {
				return err
			}
		}
		if _, err := p.writeSecret(ctx, namespace, b, r, present, mode); present != nil || !lookAgain(err, look) {
			return err
		}
	}
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
	if madeByAzure(present, b) {
		return present, nil
	}
	return present, checkMarks(present, connections.KindSecret, "rename it, or set spec.secretName of the connection", namespace, b)
}

// madeByAzure reports whether a Secret is that which Azure's Service Connector made for
// the linker that a connection is imported from: it is used, and never written.
func madeByAzure(present *corev1.Secret, b *connections.Binding) bool {
	return present != nil && b.Definition.Imported && !ours(present) && retained(present) == ""
}

// writeSecret makes the Secret of a binding, or applies it in place of the one that
// is there, nil for none.
func (p *Provisioner) writeSecret(ctx context.Context, namespace string, b *connections.Binding, r *Rendering, present *corev1.Secret, mode Mode) (*corev1.Secret, error) {
	client, wanted := p.client.Core.Secrets(namespace), desiredSecret(namespace, b, r, present, p.now())
	if present == nil {
		written, err := client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: b.Secret, Labels: wanted.Labels, Annotations: wanted.Annotations},
			Type:       *wanted.Type, Data: wanted.Data,
		}, mode.createOptions())
		return written, refusal(err, b, connections.KindSecret, namespace, b.Secret)
	}
	if loses(present.Data, r.data) || loses(present.Annotations, wanted.Annotations) {
		if _, err := claim(ctx, client, present, mode); err != nil {
			return nil, refusal(err, b, connections.KindSecret, namespace, b.Secret)
		}
	}
	written, err := client.Apply(ctx, wanted, mode.applyOptions())
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
