// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Remains are what a definition leaves when it is deleted, in every namespace.
type Remains struct {
	// Objects are what was made for it and for nothing else.
	Objects []connections.Object
	// Deleted says that they go with the last pod that uses them, and do not stay:
	// deletionPolicy: Delete.
	Deleted bool
	// Workloads are those that ask for it. Their running pods keep what they
	// have; new ones are refused.
	Workloads []Workload
	// Source names the credentials, which are their author's; "" for none.
	Source string
	// Notes say what could not be read.
	Notes []string
}

// Find reads the definition of that name: the Connection in a namespace, or for
// "" the ClusterConnection.
func Find(ctx context.Context, r client.Reader, namespace, name string) (client.Object, error) {
	var object client.Object = &v1alpha1.Connection{}
	kind, where := KindConnection, fmt.Sprintf("in namespace %q", namespace)
	if namespace == "" {
		object, kind, where = &v1alpha1.ClusterConnection{}, KindClusterConnection, "in the cluster"
	}
	err := r.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if !apierrors.IsNotFound(err) {
		return object, err
	}
	return nil, &NotFoundError{Kind: kind, Name: name, where: where, cause: err, namesake: namesake(ctx, r, namespace, name)}
}

// namesake reports whether a ClusterConnection has the name that was looked for
// among Connections.
func namesake(ctx context.Context, r client.Reader, namespace, name string) bool {
	return namespace != "" && r.Get(ctx, client.ObjectKey{Name: name}, &v1alpha1.ClusterConnection{}) == nil
}

// NotFoundError says that there is no definition of a name.
type NotFoundError struct {
	Kind, Name string

	where    string
	namesake bool
	cause    error
}

// Error implements error.
func (e *NotFoundError) Error() string {
	if e.namesake {
		return fmt.Sprintf("there is no %s %q %s, but a ClusterConnection; add --cluster if you mean that", e.Kind, e.Name, e.where)
	}
	return fmt.Sprintf("there is no %s %q %s; kubectl connection list -A shows those there are", e.Kind, e.Name, e.where)
}

// Unwrap returns the API server's answer.
func (e *NotFoundError) Unwrap() error { return e.cause }

// Left says what a definition would leave. A service account is left out where
// another connection means the same identity. home names the namespace of Service
// Connector.
func Left(ctx context.Context, r client.Reader, object client.Object, home string) (*Remains, error) {
	var l *Listing
	var err error
	if l, err = List(ctx, r, ""); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.Connections, func(c Connection) bool {
		return c.Name == object.GetName() && c.Namespace == object.GetNamespace()
	})
	if i < 0 {
		return nil, fmt.Errorf("%s %q was deleted meanwhile", object.GetObjectKind().GroupVersionKind().Kind, object.GetName())
	}
	details := &Details{Connection: l.Connections[i]}
	details.describe(home)
	policy := l.Connections[i].definition.Spec.DeletionPolicy
	remains := &Remains{Deleted: policy == v1alpha1.DeletionDelete, Workloads: details.Workloads, Source: details.Source, Notes: l.Notes}
	for _, kind := range []connections.Kind{connections.KindSecret, connections.KindProviderClass, connections.KindServiceAccount} {
		made, err := Made(ctx, r, kind, object.GetNamespace())
		if apierrors.IsForbidden(err) {
			remains.Notes = append(remains.Notes, fmt.Sprintf("%ss cannot be listed with your rights; some may stay", kind))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range made {
			if (madeFor(&details.Connection, &m) || leftBy(&details.Connection, &m)) && (kind != connections.KindServiceAccount || !shared(l, i, m)) {
				remains.Objects = append(remains.Objects, connections.Object{Kind: kind, Namespace: m.Namespace, Name: m.Name})
			}
		}
	}
	return remains, nil
}

// shared reports whether another connection than the i-th means the identity of
// a service account, in a namespace where it could.
func shared(l *Listing, i int, account metav1.PartialObjectMetadata) bool {
	id := connections.IdentityOf(&account).ClientID
	for n, c := range l.Connections {
		b, err := connections.Bind(c.definition)
		here := c.Namespace == "" || c.Namespace == account.Namespace
		if n != i && here && err == nil && b.Identity != nil && strings.EqualFold(string(b.Identity.ClientID), id) {
			return true
		}
	}
	return false
}

// Purge deletes the objects of remains. One that is gone already is no error.
func Purge(ctx context.Context, w client.Writer, remains *Remains) error {
	var errs []error
	for _, o := range remains.Objects {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(provisionedKinds[o.Kind])
		object.SetNamespace(o.Namespace)
		object.SetName(o.Name)
		if err := w.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("deleting %s %q in namespace %q: %w", o.Kind, o.Name, o.Namespace, err))
		}
	}
	return errors.Join(errs...)
}
