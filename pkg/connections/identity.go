// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Identity is whom a service account stands for.
type Identity struct {
	ClientID, TenantID string
}

// IdentityOf reads the identity that a service account carries.
func IdentityOf(account metav1.Object) Identity {
	annotations := account.GetAnnotations()
	return Identity{ClientID: annotations[v1alpha1.AnnotationClientID], TenantID: annotations[v1alpha1.AnnotationTenantID]}
}

// String returns the client id and the tenant, with a slash between them.
func (i Identity) String() string { return i.ClientID + "/" + i.TenantID }

// ParseIdentity reads what String wrote.
func ParseIdentity(text string) Identity {
	client, tenant, _ := strings.Cut(text, "/")
	return Identity{ClientID: client, TenantID: tenant}
}

// OpenTo returns the identity of a service account that its author made: a tenant
// that he left open is the one that is wanted.
func (i Identity) OpenTo(wanted v1alpha1.WorkloadIdentity) Identity {
	if i.TenantID == "" {
		i.TenantID = string(wanted.TenantID)
	}
	return i
}

// AcceptedAs reports whether a service account with this identity does for a
// connection that asks for wanted. One that asks for no tenant takes any.
func (i Identity) AcceptedAs(wanted v1alpha1.WorkloadIdentity) bool {
	return i.ClientID == string(wanted.ClientID) && (wanted.TenantID == "" || i.TenantID == string(wanted.TenantID))
}
