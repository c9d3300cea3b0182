// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// The API of the Secrets Store CSI driver. Source: its documentation.
const (
	providerClassAPI = "secrets-store.csi.x-k8s.io/v1"
	driverName       = "secrets-store.csi.k8s.io"
)

// checkObjects looks at what a binding needs in a namespace. used says that pods
// refer to it already, so that its absence breaks them. Only metadata is read.
func checkObjects(ctx context.Context, r client.Reader, namespace string, b *connections.Binding, used bool) []Finding {
	var findings []Finding
	if b.ServiceAccount != "" {
		findings = append(findings, checkAccount(ctx, r, namespace, b, used))
	}
	if b.ProviderClass != nil {
		return append(findings, checkOwned(ctx, r, connections.Object{Kind: connections.KindProviderClass, Namespace: namespace, Name: b.ProviderClass.Name}, b, used))
	}
	return append(findings, checkOwned(ctx, r, connections.Object{Kind: connections.KindSecret, Namespace: namespace, Name: b.Secret}, b, used))
}

func checkLabel(o connections.Object) string { return string(o.Kind) + " " + o.Name }

// checkOwned looks at a Secret or SecretProviderClass: there, ours, this
// connection's and current.
func checkOwned(ctx context.Context, r client.Reader, o connections.Object, b *connections.Binding, used bool) Finding {
	present, absence := read(ctx, r, o, used)
	if present == nil {
		return absence
	}
	check := checkLabel(o)
	owner := present.Labels[v1alpha1.LabelConnection]
	switch {
	case present.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy && b.Definition.Imported && o.Kind == connections.KindSecret:
		return ok(check, "was made by Azure's Service Connector, and is used as it is")
	case present.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy:
		return failure(check, "rename it, or set spec.secretName of the connection", "was not made by Service Connector (no label %s=%s); it is left as it is, and pods are refused",
			v1alpha1.LabelManagedBy, v1alpha1.ManagedBy)
	case owner != b.Definition.Name:
		return failure(check, "rename one of the two, or delete the object", "belongs to connection %q", owner)
	case present.Annotations[v1alpha1.AnnotationRevision] != b.Revision:
		return warning(check, "see whether the webhook runs: kubectl connection doctor", "is older than the connection: revision %s instead of %s",
			present.Annotations[v1alpha1.AnnotationRevision], b.Revision)
	}
	return ok(check, "made for %s, revision %s", present.Annotations[v1alpha1.AnnotationOwner], b.Revision)
}

// checkAccount looks whether the service account of a binding carries its
// identity. Several connections may share one, so that its owner does not count.
func checkAccount(ctx context.Context, r client.Reader, namespace string, b *connections.Binding, used bool) Finding {
	o := connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: b.ServiceAccount}
	present, absence := read(ctx, r, o, used)
	if present == nil {
		return absence
	}
	return checkIdentity(checkLabel(o), present, b)
}

func checkIdentity(check string, present metav1.Object, b *connections.Binding) Finding {
	identity := connections.IdentityOf(present)
	if identity.TenantID == "" {
		identity.TenantID = string(b.Identity.TenantID) // its author leaves the tenant open
	}
	if !identity.AcceptedAs(*b.Identity) {
		return failure(check, fmt.Sprintf("kubectl annotate --overwrite serviceaccount %s -n %s %s=%s", present.GetName(), present.GetNamespace(), v1alpha1.AnnotationClientID, b.Identity.ClientID),
			"carries client id %q and tenant %q, but connection %q needs %s", identity.ClientID, identity.TenantID, b.Definition.Name, b.Identity.ClientID)
	}
	return ok(check, "carries client id %s; Entra must trust system:serviceaccount:%s:%s", b.Identity.ClientID, present.GetNamespace(), present.GetName())
}

// read reads the metadata of an object. Where it is not there the finding says
// so.
func read(ctx context.Context, r client.Reader, o connections.Object, used bool) (*metav1.PartialObjectMetadata, Finding) {
	api := "v1"
	if o.Kind == connections.KindProviderClass {
		api = providerClassAPI
	}
	present, check := partial(api, string(o.Kind)), checkLabel(o)
	err := r.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Name}, present)
	switch {
	case meta.IsNoMatchError(err):
		return nil, failure(check, "install the driver: az aks enable-addons --addons azure-keyvault-secrets-provider", "the cluster does not know the kind: the Secrets Store CSI driver is not installed")
	case apierrors.IsNotFound(err) && used:
		return nil, failure(check, "see whether the webhook runs, which makes it again: kubectl connection doctor", "is not there, though pods refer to it: somebody deleted it")
	case apierrors.IsNotFound(err):
		return nil, warning(check, "", "is not there yet; it is made with the first pod")
	case err != nil:
		return nil, unseen(check, err)
	}
	return present, Finding{}
}
