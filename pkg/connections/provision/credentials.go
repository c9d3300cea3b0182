// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Rendering is what a binding's Secret should hold, and the state of the Secrets
// it comes from. It is nil for a binding that renders none.
type Rendering struct {
	// Credentials is a digest of that state, as AnnotationCredentials has it: ""
	// where the binding refers to no Secret.
	Credentials string

	data map[string][]byte
}

// Render reads the credentials of a binding, one Secret at a time, and renders
// its data. Its error is a *connections.Problem where that cannot be.
func (p *Provisioner) Render(ctx context.Context, b *connections.Binding) (*Rendering, error) {
	if b.ProviderClass != nil {
		return nil, p.checkDriver()
	}
	credentials, err := p.credentials(ctx, b)
	if err != nil {
		return nil, err
	}
	namespace := p.sourceNamespace(b)
	state, known := sha256.New(), false
	sources := connections.Sources{Credentials: credentials, Secrets: map[string]map[string][]byte{}}
	for _, name := range b.Reads(credentials) {
		secret, err := p.client.Core.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		found, err := exists(err)
		switch {
		case denied(err):
			return nil, unreadable("Secret", name, err)
		case err != nil:
			return nil, wrap(err, "reading Secret %q in namespace %q", name, namespace)
		case found && ours(secret):
			return nil, &connections.Problem{Reason: v1alpha1.ReasonCredentialsUnreadable,
				Message: fmt.Sprintf("Secret %q was made by Service Connector, so it is no source of credentials; name another one", name)}
		case found:
			sources.Secrets[name] = secret.Data
			known = secret.ResourceVersion != "" // not so in a file
			fmt.Fprintf(state, "%s %s %s\n", name, secret.UID, secret.ResourceVersion)
		}
	}
	data, err := b.Render(sources)
	if err != nil {
		return nil, err
	}
	rendering := &Rendering{data: data}
	if known {
		rendering.Credentials = hex.EncodeToString(state.Sum(nil)[:6])
	}
	return rendering, nil
}

// sourceNamespace is where the credentials of a binding are.
func (p *Provisioner) sourceNamespace(b *connections.Binding) string {
	if b.Definition.Namespace == "" {
		return p.home
	}
	return b.Definition.Namespace
}

// credentials returns the name of the Secret with a binding's credentials, ""
// for none.
func (p *Provisioner) credentials(ctx context.Context, b *connections.Binding) (string, error) {
	auth := b.Definition.Spec.Auth
	switch {
	case auth.SecretRef != nil:
		return auth.SecretRef.Name, nil
	case auth.ProvisionedServiceRef != nil:
		return p.provisionedService(ctx, b, *auth.ProvisionedServiceRef)
	}
	return "", nil
}

// provisionedService asks an object that is a Provisioned Service which Secret
// holds its binding. Source: Service Binding specification, section Provisioned
// Service: status.binding.name.
func (p *Provisioner) provisionedService(ctx context.Context, b *connections.Binding, ref v1alpha1.ProvisionedServiceReference) (string, error) {
	mapping, err := p.client.Mapper.RESTMapping(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind(),
		schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).Version)
	switch {
	case meta.IsNoMatchError(err):
		return "", notProvisioned(ref, b, "the cluster does not know the kind; install what defines it")
	case err != nil:
		return "", wrap(err, "finding kind %s of %s", ref.Kind, ref.APIVersion)
	case mapping.Scope.Name() != meta.RESTScopeNameNamespace:
		return "", notProvisioned(ref, b, "its kind is not one of objects in a namespace")
	}
	object, err := p.client.Dynamic.Resource(mapping.Resource).Namespace(p.sourceNamespace(b)).Get(ctx, ref.Name, metav1.GetOptions{})
	found, err := exists(err)
	switch {
	case denied(err):
		return "", unreadable(ref.Kind, ref.Name, err)
	case err != nil:
		return "", wrap(err, "reading %s %q", ref.Kind, ref.Name)
	case !found:
		return "", notProvisioned(ref, b, "it does not exist; create it")
	}
	name, _, err := unstructured.NestedString(object.Object, "status", "binding", "name")
	if err != nil || name == "" {
		return "", notProvisioned(ref, b, "its status.binding.name names no Secret yet; wait for its operator")
	}
	return name, nil
}

func notProvisioned(ref v1alpha1.ProvisionedServiceReference, b *connections.Binding, what string) error {
	return &connections.Problem{Reason: v1alpha1.ReasonServiceNotProvisioned,
		Message: fmt.Sprintf("%s %q in %s is no Provisioned Service: %s", ref.Kind, ref.Name, b.SourceNamespace(), what)}
}

func unreadable(kind, name string, err error) error {
	return &connections.Problem{Reason: v1alpha1.ReasonCredentialsUnreadable,
		Message: fmt.Sprintf("%s %q with the credentials cannot be read: %s", kind, name, said(err))}
}
