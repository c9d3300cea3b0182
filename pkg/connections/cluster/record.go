// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"unique"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Marks are what the metadata of an object of ours says.
type Marks struct {
	// Owner names the definition it was made from.
	Owner string
	// Revision and Credentials are what it was made from: the definition, and the
	// state of its credentials. Those of a service account are its identity, which
	// several connections may share, and the federated credential by which Azure
	// trusts it, "" for none.
	Revision, Credentials string
	// Changed is when its data last changed, in RFC 3339; "" for never.
	Changed string
	// Delete says that it goes when it is no longer needed.
	Delete bool
	// UID and ResourceVersion are those of the object.
	UID, ResourceVersion string
}

// interned is a string that many objects have in common, kept once.
type interned = unique.Handle[string]

// key names an object of ours in less memory than connections.Object.
type key struct {
	kind, namespace, name interned
}

func keyOf(object connections.Object) key {
	return key{unique.Make(string(object.Kind)), unique.Make(object.Namespace), unique.Make(object.Name)}
}

func (k key) object() connections.Object {
	return connections.Object{Kind: connections.Kind(k.kind.Value()), Namespace: k.namespace.Value(), Name: k.name.Value()}
}

// record is all that is kept of an object of ours: there can be hundreds of
// thousands. It does not change.
type record struct {
	key
	owner, revision, credentials, changed interned
	// uid is the object's, as far as it is a UUID. Source: Kubernetes'
	// documentation of object names and IDs, section UIDs.
	uid             uuid.UUID
	resourceVersion string
	deletes         bool
}

func recordOf(kind connections.Kind, object *metav1.PartialObjectMetadata) *record {
	annotations := object.Annotations
	revision, credentials := annotations[v1alpha1.AnnotationRevision], annotations[v1alpha1.AnnotationCredentials]
	if kind == connections.KindServiceAccount {
		revision, credentials = connections.IdentityOf(object).String(), annotations[v1alpha1.AnnotationFederated]
	}
	uid, _ := uuid.Parse(string(object.UID)) // else the zero UUID
	return &record{
		key:             keyOf(connections.Object{Kind: kind, Namespace: object.Namespace, Name: object.Name}),
		owner:           unique.Make(annotations[v1alpha1.AnnotationOwner]),
		revision:        unique.Make(revision),
		credentials:     unique.Make(credentials),
		changed:         unique.Make(annotations[v1alpha1.AnnotationChanged]),
		uid:             uid,
		resourceVersion: object.ResourceVersion,
		deletes:         annotations[v1alpha1.AnnotationDeletionPolicy] == string(v1alpha1.DeletionDelete),
	}
}

// marks returns what a record says.
func (r *record) marks() Marks {
	uid := ""
	if r.uid != uuid.Nil {
		uid = r.uid.String()
	}
	return Marks{
		Owner: r.owner.Value(), Revision: r.revision.Value(), Credentials: r.credentials.Value(), Changed: r.changed.Value(),
		Delete: r.deletes, UID: uid, ResourceVersion: r.resourceVersion,
	}
}

func (r *record) change(cause Cause) Change {
	return Change{Object: r.object(), Owner: r.owner.Value(), Cause: cause}
}
