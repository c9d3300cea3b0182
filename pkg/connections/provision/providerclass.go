// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// providerClasses is the resource of SecretProviderClasses.
var providerClasses = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}

// checkDriver returns a *connections.Problem if the Secrets Store CSI driver is
// not installed.
func (p *Provisioner) checkDriver() error {
	_, err := p.client.Mapper.RESTMapping(providerClasses.GroupVersion().WithKind(string(connections.KindProviderClass)).GroupKind(), providerClasses.Version)
	if meta.IsNoMatchError(err) {
		return &connections.Problem{Reason: v1alpha1.ReasonDriverMissing, Message: fmt.Sprintf(
			"the cluster has no %s of %s; install the Secrets Store CSI driver with the Azure provider, or switch on the AKS add-on azure-keyvault-secrets-provider",
			connections.KindProviderClass, providerClasses.GroupVersion())}
	}
	return wrap(err, "looking for the Secrets Store CSI driver")
}

// applyProviderClass writes the SecretProviderClass, unless one is there that is
// not this connection's.
func (p *Provisioner) applyProviderClass(ctx context.Context, namespace string, b *connections.Binding, mode Mode) error {
	present, err := p.presentProviderClass(ctx, namespace, b)
	if err != nil {
		return err
	}
	_, err = p.writeProviderClass(ctx, namespace, b, present, mode)
	return err
}

// presentProviderClass returns the SecretProviderClass of a binding that is
// there, nil for none. It denies the binding where that, or its synced Secret, is
// not this connection's.
func (p *Provisioner) presentProviderClass(ctx context.Context, namespace string, b *connections.Binding) (*unstructured.Unstructured, error) {
	if err := p.checkDriver(); err != nil {
		return nil, notReady(b, err)
	}
	present, err := p.client.Dynamic.Resource(providerClasses).Namespace(namespace).Get(ctx, b.ProviderClass.Name, metav1.GetOptions{})
	found, err := exists(err)
	if err != nil {
		return nil, refusal(err, b, connections.KindProviderClass, namespace, b.ProviderClass.Name)
	}
	if !found {
		return nil, p.checkSynced(ctx, namespace, b)
	}
	if err := checkMarks(present, connections.KindProviderClass, "rename it", namespace, b); err != nil {
		return nil, err
	}
	return present, p.checkSynced(ctx, namespace, b)
}

// writeProviderClass applies the SecretProviderClass of a binding in place of the
// one that is there, nil for none.
func (p *Provisioner) writeProviderClass(ctx context.Context, namespace string, b *connections.Binding, present *unstructured.Unstructured, mode Mode) (*unstructured.Unstructured, error) {
	wanted, options := desiredProviderClass(namespace, b), mode.applyOptions()
	if options.Force = present != nil; present != nil {
		wanted.SetUID(present.GetUID())
	}
	written, err := p.client.Dynamic.Resource(providerClasses).Namespace(namespace).
		Apply(ctx, b.ProviderClass.Name, wanted, options)
	return written, refusal(err, b, connections.KindProviderClass, namespace, b.ProviderClass.Name)
}

// managedByDriver is the label of the Secrets that the CSI driver syncs. Source:
// the driver's documentation.
const managedByDriver = "secrets-store.csi.k8s.io/managed"

// checkSynced denies a binding whose synced Secret's name is taken by something
// that the driver did not make: the driver leaves what exists as it is, so that
// the pod would get that instead.
func (p *Provisioner) checkSynced(ctx context.Context, namespace string, b *connections.Binding) error {
	if b.Secret == "" {
		return nil
	}
	present, err := p.client.Core.Secrets(namespace).Get(ctx, b.Secret, metav1.GetOptions{})
	found, err := exists(err)
	switch {
	case err != nil:
		return refusal(err, b, connections.KindSecret, namespace, b.Secret)
	case found && present.Labels[managedByDriver] != "true":
		return mutate.Deny(mutate.ReasonForeign,
			"connection %q: Secret %q in namespace %q is not the CSI driver's, which would leave it as it is; delete it, or set spec.secretName of the connection",
			b.Definition.Name, b.Secret, namespace)
	}
	return nil
}
