// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keepSecret brings the Secret to what it is to hold, and returns that.
func (k *Keeper) keepSecret(ctx context.Context) (ring, error) {
	secret, err := k.options.readSecret(ctx)
	if err != nil {
		k.seen = k.seen.blind()
		return ring{}, err
	}
	stored, problem := readRing(secret)
	now := k.options.Now()
	next := k.options.policy().plan(view{
		now:       now,
		stored:    stored,
		requested: requested(secret),
		known:     k.known,
		signer:    k.signer,
		seen:      k.seen,
	})
	if next.mint {
		fresh, err := newAuthority(now, k.options.CALifetime)
		if err != nil {
			return ring{}, err
		}
		next.ring = next.ring.before(fresh, now)
	}
	return next.ring, k.store(ctx, secret, next, problem)
}

func requested(secret *corev1.Secret) bool {
	return secret != nil && metav1.HasAnnotation(secret.ObjectMeta, RotateAnnotation)
}

// readSecret returns nil where there is none.
func (o Options) readSecret(ctx context.Context) (*corev1.Secret, error) {
	secret, err := o.Secrets.Secrets(o.Namespace).Get(ctx, o.Secret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", o.secretName(), err)
	}
	return secret, nil
}

// store writes the Secret where it differs. A problem with what it held before
// is part of the message, success or not.
func (k *Keeper) store(ctx context.Context, old *corev1.Secret, next step, problem error) error {
	base := old
	if old == nil {
		base = k.options.newSecret()
	}
	secret, err := writeRing(next.ring, base)
	if err != nil {
		return err
	}
	if next.mint {
		delete(secret.Annotations, RotateAnnotation)
	}
	if old != nil && equality.Semantic.DeepEqual(old, secret) {
		return nil
	}
	if err := k.write(ctx, old == nil, secret); err != nil {
		if problem != nil {
			return fmt.Errorf("replacing the content of Secret %s (%w); delete it if this stays: %w", k.options.secretName(), problem, err)
		}
		return err
	}
	k.logWritten(next, problem)
	return nil
}

// write never writes over what it has not seen: an update carries the resource
// version of the Secret that was read.
func (k *Keeper) write(ctx context.Context, create bool, secret *corev1.Secret) error {
	client := k.options.Secrets.Secrets(k.options.Namespace)
	if create {
		if _, err := client.Create(ctx, secret, metav1.CreateOptions{FieldManager: FieldOwner}); err != nil {
			return fmt.Errorf("creating Secret %s: %w", k.options.secretName(), lost(err))
		}
		return nil
	}
	_, err := client.Update(ctx, secret, metav1.UpdateOptions{FieldManager: FieldOwner})
	if apierrors.IsNotFound(err) {
		err = fmt.Errorf("%w: %w", errLost, err) // deleted since it was read
	}
	if err != nil {
		return fmt.Errorf("updating Secret %s: %w", k.options.secretName(), lost(err))
	}
	return nil
}

func (k *Keeper) logWritten(next step, problem error) {
	log := k.options.Log.WithValues("secret", k.options.secretName(),
		"authority", next.ring.current().cert.Subject.CommonName, "earlier", len(next.ring.authorities)-1)
	if problem != nil {
		log.Error(problem, "the Secret's content was unusable and has been replaced")
	}
	message := "certificate authorities written"
	if next.mint {
		message = "certificate authority made"
	}
	log.Info(message, "reason", next.reason, "notAfter", next.ring.current().cert.NotAfter)
}

func (o Options) secretName() string { return o.Namespace + "/" + o.Secret }

func (o Options) newSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Secret},
		Type:       corev1.SecretTypeTLS,
	}
}
