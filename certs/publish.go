// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	applyv1 "k8s.io/client-go/applyconfigurations/admissionregistration/v1"
)

// FieldOwner is the field owner of every caBundle that is published.
const FieldOwner = "service-connector-certs"

// readConfiguration looks at what is published. It returns nil where there is
// none, or none is kept.
func (k *Keeper) readConfiguration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	if k.options.Configuration == "" {
		return nil, nil
	}
	found, err := k.options.readConfiguration(ctx)
	switch {
	case err != nil:
		k.seen = k.seen.blind()
	case found == nil:
		k.seen = k.seen.look(nil, k.options.Now())
	default:
		k.seen = k.seen.look(trusted(found), k.options.Now())
	}
	return found, err
}

// readConfiguration returns nil where there is none.
func (o Options) readConfiguration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	found, err := o.Configurations.MutatingWebhookConfigurations().Get(ctx, o.Configuration, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading MutatingWebhookConfiguration %q: %w", o.Configuration, err)
	}
	return found, nil
}

// publish brings the caBundle of every webhook to the ring that is known.
func (k *Keeper) publish(ctx context.Context, target *admissionregistrationv1.MutatingWebhookConfiguration) error {
	name := k.options.Configuration
	switch {
	case name == "":
		k.seen = k.seen.look(k.known.certificates(), k.options.Now())
		return nil
	case target == nil:
		return fmt.Errorf("%w: MutatingWebhookConfiguration %q is absent; apply the manifests, its caBundle follows by itself", errWaiting, name)
	case len(target.Webhooks) == 0:
		return fmt.Errorf("%w: MutatingWebhookConfiguration %q has no webhooks; apply the manifests, their caBundle follows by itself", errWaiting, name)
	}
	bundle := k.known.bundle()
	if publishes(target, bundle) {
		return nil
	}
	patch, err := bundlePatch(target, bundle)
	if err != nil {
		return err
	}
	patched, err := k.options.Configurations.MutatingWebhookConfigurations().Patch(ctx, name,
		types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: FieldOwner})
	if err != nil {
		return fmt.Errorf("publishing the caBundle of MutatingWebhookConfiguration %q: %w", name, lost(err))
	}
	k.seen = k.seen.look(trusted(patched), k.options.Now())
	k.options.Log.Info("caBundle published",
		"configuration", name, "webhooks", len(target.Webhooks), "authorities", len(k.known.authorities))
	return nil
}

// bundlePatch returns the patch that sets caBundle, in the very version of the
// configuration that was read.
//
// It is no server-side apply: that would own the webhooks' entries too, and an
// owner that later takes a webhook out by server-side apply, as Helm does, would
// be refused, because an entry of nothing but our caBundle would be left. A
// merge patch owns caBundle alone, and never creates.
func bundlePatch(target *admissionregistrationv1.MutatingWebhookConfiguration, bundle []byte) ([]byte, error) {
	change := applyv1.MutatingWebhookConfiguration(target.Name).WithResourceVersion(target.ResourceVersion)
	for _, webhook := range target.Webhooks {
		change.WithWebhooks(applyv1.MutatingWebhook().
			WithName(webhook.Name).
			WithClientConfig(applyv1.WebhookClientConfig().WithCABundle(bundle...)))
	}
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("encoding the caBundle: %w", err)
	}
	return patch, nil
}

func publishes(target *admissionregistrationv1.MutatingWebhookConfiguration, bundle []byte) bool {
	for _, webhook := range target.Webhooks {
		if !bytes.Equal(webhook.ClientConfig.CABundle, bundle) {
			return false
		}
	}
	return true
}

// trusted returns the certificates that are in the caBundle of every webhook.
// What cannot be read there is trusted by nobody.
func trusted(target *admissionregistrationv1.MutatingWebhookConfiguration) []*x509.Certificate {
	var all []*x509.Certificate
	for i, webhook := range target.Webhooks {
		certs, _ := decodeCertificates(webhook.ClientConfig.CABundle)
		if i == 0 {
			all = certs
			continue
		}
		all = slices.DeleteFunc(all, func(cert *x509.Certificate) bool {
			return !slices.ContainsFunc(certs, cert.Equal)
		})
	}
	return all
}
