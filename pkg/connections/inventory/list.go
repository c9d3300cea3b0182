// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// The kinds of definitions.
const (
	KindConnection        = "Connection"
	KindClusterConnection = "ClusterConnection"
)

// Unknown stands where something cannot be told.
const Unknown = "Unknown"

// Connection is one line of a list.
type Connection struct {
	// Name is the connection's name.
	Name string `json:"name"`
	// Namespace is that of a Connection; "" for a ClusterConnection.
	Namespace string `json:"namespace,omitempty"`
	// Kind is Connection or ClusterConnection.
	Kind string `json:"kind"`
	// Service, Auth and Client are what the definition says.
	Service string `json:"service"`
	Auth    string `json:"auth"`
	Client  string `json:"client"`
	// Ready is True, False or Unknown; Reason and Message say why.
	Ready   string `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Provisioned are the namespaces that have its Secret, or what else holds its
	// settings; in a list for one namespace that one or none.
	Provisioned []string `json:"provisioned"`
	// Workloads are those that ask for it.
	Workloads []Workload `json:"workloads"`

	definition connections.Definition
	allowed    *v1alpha1.AllowedNamespaces
}

// Listing is a list of connections and what could not be read for it.
type Listing struct {
	Connections []Connection `json:"connections"`
	// Notes say what could not be read, and what that leaves open.
	Notes []string `json:"notes,omitempty"`
}

// Names returns the names, for a shell to complete.
func (l *Listing) Names() []string {
	var names []string
	for _, c := range l.Connections {
		names = append(names, c.Name)
	}
	return names
}

// List returns the connections that a namespace can use, sorted by name; for ""
// every definition of the cluster, sorted by namespace and name. A Connection
// hides a ClusterConnection of its name in its namespace.
func List(ctx context.Context, r client.Reader, namespace string) (*Listing, error) {
	l := &Listing{Connections: []Connection{}}
	var err error
	if namespace == "" {
		err = l.all(ctx, r)
	} else {
		err = l.available(ctx, r, namespace)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(l.Connections, func(a, b Connection) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	if namespace != "" {
		slices.SortFunc(l.Connections, func(a, b Connection) int { return strings.Compare(a.Name, b.Name) })
	}
	if len(l.Connections) == 0 {
		return l, nil
	}
	if err := l.addProvisioned(ctx, r, namespace); err != nil {
		return nil, err
	}
	return l, l.addWorkloads(ctx, r, namespace)
}

// Names returns the names of the connections that a namespace can use, sorted.
func Names(ctx context.Context, r client.Reader, namespace string) ([]string, error) {
	l := &Listing{}
	if err := l.available(ctx, r, namespace); err != nil {
		return nil, err
	}
	names := l.Names()
	slices.Sort(names)
	return names, nil
}

func (l *Listing) all(ctx context.Context, r client.Reader) error {
	own, shared, err := l.read(ctx, r, "")
	if err != nil {
		return err
	}
	for i := range own.Items {
		l.Connections = append(l.Connections, fromConnection(&own.Items[i]))
	}
	for i := range shared.Items {
		l.Connections = append(l.Connections, fromClusterConnection(&shared.Items[i]))
	}
	return nil
}

func (l *Listing) available(ctx context.Context, r client.Reader, namespace string) error {
	own, shared, err := l.read(ctx, r, namespace)
	if err != nil {
		return err
	}
	for i := range own.Items {
		l.Connections = append(l.Connections, fromConnection(&own.Items[i]))
	}
	serves, err := l.audience(ctx, r, namespace)
	if err != nil {
		return err
	}
	for i := range shared.Items {
		c := &shared.Items[i]
		hidden := slices.ContainsFunc(own.Items, func(o v1alpha1.Connection) bool { return o.Name == c.Name })
		if !hidden && serves(c.Spec.AllowedNamespaces) {
			l.Connections = append(l.Connections, fromClusterConnection(c))
		}
	}
	return nil
}

// read lists the definitions. Somebody who may list only one of the two kinds
// sees that one.
func (l *Listing) read(ctx context.Context, r client.Reader, namespace string) (*v1alpha1.ConnectionList, *v1alpha1.ClusterConnectionList, error) {
	var own v1alpha1.ConnectionList
	var shared v1alpha1.ClusterConnectionList
	ownErr := r.List(ctx, &own, client.InNamespace(namespace))
	if ownErr != nil && !apierrors.IsForbidden(ownErr) {
		return nil, nil, fmt.Errorf("listing Connections: %w", ownErr)
	}
	sharedErr := r.List(ctx, &shared)
	if sharedErr != nil && !apierrors.IsForbidden(sharedErr) {
		return nil, nil, fmt.Errorf("listing ClusterConnections: %w", sharedErr)
	}
	switch {
	case ownErr != nil && sharedErr != nil:
		return nil, nil, fmt.Errorf("listing Connections: %w", ownErr)
	case ownErr != nil:
		l.note("Connections cannot be listed with your rights; only ClusterConnections are shown")
	case sharedErr != nil:
		l.note("ClusterConnections cannot be listed with your rights; only Connections are shown")
	}
	return &own, &shared, nil
}

// audience returns what says whether a ClusterConnection serves a namespace. Who
// may not read the namespace sees those that serve all of them.
func (l *Listing) audience(ctx context.Context, r client.Reader, namespace string) (func(v1alpha1.AllowedNamespaces) bool, error) {
	var object corev1.Namespace
	err := r.Get(ctx, client.ObjectKey{Name: namespace}, &object)
	unreadable := apierrors.IsForbidden(err)
	if err != nil && !unreadable && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading namespace %q: %w", namespace, err)
	}
	switch {
	case unreadable:
		l.note(fmt.Sprintf("namespace %q cannot be read with your rights; ClusterConnections that choose namespaces by label are left out", namespace))
	case err != nil:
		l.note(fmt.Sprintf("namespace %q does not exist", namespace))
		return func(v1alpha1.AllowedNamespaces) bool { return false }, nil
	}
	return func(allowed v1alpha1.AllowedNamespaces) bool {
		selector, problem := connections.Audience(allowed)
		if unreadable {
			return allowed.From == v1alpha1.AllowedFromAll
		}
		return problem == nil && selector.Matches(labels.Set(object.Labels))
	}, nil
}

func (l *Listing) note(text string) { l.Notes = append(l.Notes, text) }

func fromConnection(c *v1alpha1.Connection) Connection {
	return summary(connections.FromConnection(c), KindConnection, c.Generation, c.Status)
}

func fromClusterConnection(c *v1alpha1.ClusterConnection) Connection {
	result := summary(connections.FromClusterConnection(c), KindClusterConnection, c.Generation, c.Status)
	result.allowed = c.Spec.AllowedNamespaces.DeepCopy()
	return result
}

func summary(d connections.Definition, kind string, generation int64, status v1alpha1.ConnectionStatus) Connection {
	c := Connection{
		Name: d.Name, Namespace: d.Namespace, Kind: kind,
		Service: d.Spec.Target.Service, Auth: string(d.Spec.Auth.Type), Client: cmp.Or(d.Spec.Client, "none"),
		Provisioned: []string{}, Workloads: []Workload{}, definition: d,
	}
	c.Ready, c.Reason, c.Message = ready(d, generation, status)
	return c
}

// ready says whether pods can be given a connection: what the controller found
// on this generation, else what the definition alone shows.
func ready(d connections.Definition, generation int64, status v1alpha1.ConnectionStatus) (state, reason, message string) {
	condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if condition != nil && condition.ObservedGeneration == generation {
		return string(condition.Status), condition.Reason, condition.Message
	}
	var problem *connections.Problem
	if _, err := connections.Bind(d); errors.As(err, &problem) {
		return string(metav1.ConditionFalse), problem.Reason, problem.Message
	}
	return Unknown, "NotChecked", "the controller has not looked at this generation yet; is Service Connector running?"
}

// Ready says whether pods can be given the connection that an object defines:
// True, False or Unknown, and why.
func Ready(object client.Object) (state, reason, message string) {
	switch c := object.(type) {
	case *v1alpha1.Connection:
		return ready(connections.FromConnection(c), c.Generation, c.Status)
	case *v1alpha1.ClusterConnection:
		return ready(connections.FromClusterConnection(c), c.Generation, c.Status)
	}
	return Unknown, "", ""
}
