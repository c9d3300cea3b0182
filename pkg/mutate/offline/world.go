// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	caseson "sigs.k8s.io/json"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// nameLabel is what the API server labels every namespace with: its name.
const nameLabel = "kubernetes.io/metadata.name"

// World is what an offline run knows of the cluster. It looks connections up as
// the webhook does: the namespace's own first, else a ClusterConnection that
// serves the namespace.
type World struct {
	// Namespace is that of objects that name none.
	Namespace string

	home       string
	own        map[types.NamespacedName]connections.Offer
	shared     map[string]sharedOffer
	namespaces map[string]labels.Set
	objects    *store
	// accounts reads service accounts that no file holds; nil for no cluster.
	accounts func(ctx context.Context, namespace, name string) (metav1.Object, error)
}

type sharedOffer struct {
	connections.Offer
	allowed labels.Selector
}

// NewWorld returns a World that knows nothing yet. home is the product's own
// namespace, where the credentials of ClusterConnections are; namespace is that
// of objects that name none.
func NewWorld(home, namespace string) *World {
	return &World{
		Namespace:  namespace,
		home:       home,
		own:        map[types.NamespacedName]connections.Offer{},
		shared:     map[string]sharedOffer{},
		namespaces: map[string]labels.Set{},
		objects:    newStore(),
	}
}

// Learn takes in the connections, namespaces, Secrets, service accounts and
// SecretProviderClasses of a file.
func (w *World) Learn(file File) error {
	for _, d := range file.documents {
		objects, err := d.objects(file.Name)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := w.learn(o); err != nil {
				return d.fail(file.Name, fmt.Errorf("%s: %w", o, err))
			}
		}
	}
	return nil
}

// Connections returns how many connections are known.
func (w *World) Connections() int { return len(w.own) + len(w.shared) }

func (w *World) learn(o object) error {
	switch o.kind {
	case namespaceKind:
		w.learnNamespace(o.metadata.Name, o.metadata.Labels)
	case connectionKind:
		var c v1alpha1.Connection
		if err := decode(o.raw, &c); err != nil {
			return err
		}
		c.Namespace = w.namespaceOf(o)
		w.learnConnection(&c)
	case clusterConnectionKind:
		var c v1alpha1.ClusterConnection
		if err := decode(o.raw, &c); err != nil {
			return err
		}
		w.learnClusterConnection(&c)
	case secretKind, accountKind, classKind:
		return w.objects.give(connections.Object{Kind: connections.Kind(o.kind.Kind), Namespace: w.namespaceOf(o), Name: o.metadata.Name}, o.raw)
	}
	return nil
}

// decode reads a definition as strictly as kubectl apply does.
func decode(raw []byte, into any) error {
	strict, err := caseson.UnmarshalStrict(raw, into)
	return errors.Join(append(strict, err)...)
}

func (w *World) namespaceOf(o object) string { return cmp.Or(o.metadata.Namespace, w.Namespace) }

func (w *World) learnNamespace(name string, set map[string]string) {
	all := labels.Set{}
	maps.Copy(all, set)
	all[nameLabel] = name
	w.namespaces[name] = all
}

func (w *World) learnConnection(c *v1alpha1.Connection) {
	setDefaults(&c.Spec)
	w.own[types.NamespacedName{Namespace: c.Namespace, Name: c.Name}] = connections.MakeOffer(connections.FromConnection(c), c.Generation, c.Status)
}

func (w *World) learnClusterConnection(c *v1alpha1.ClusterConnection) {
	setDefaults(&c.Spec.ConnectionSpec)
	allowed, _ := connections.Audience(c.Spec.AllowedNamespaces) // a problem serves nobody
	w.shared[c.Name] = sharedOffer{connections.MakeOffer(connections.FromClusterConnection(c), c.Generation, c.Status), allowed}
}

// setDefaults does what the API server does by the CRDs.
func setDefaults(spec *v1alpha1.ConnectionSpec) {
	spec.Client = cmp.Or(spec.Client, "none")
	spec.Inject = cmp.Or(spec.Inject, v1alpha1.InjectEnv)
	spec.Naming = cmp.Or(spec.Naming, v1alpha1.NamingPlain)
	spec.DeletionPolicy = cmp.Or(spec.DeletionPolicy, v1alpha1.DeletionRetain)
	spec.Rollout = cmp.Or(spec.Rollout, v1alpha1.RolloutNever)
	spec.Target.Cloud = cmp.Or(spec.Target.Cloud, "AzurePublic")
	if vault := spec.Auth.KeyVaultCSI; vault != nil {
		for i := range vault.Objects {
			vault.Objects[i].Type = cmp.Or(vault.Objects[i].Type, "secret")
		}
	}
}

// Offers returns the offers of these names to a namespace, in their order.
func (w *World) Offers(_ context.Context, namespace string, names []string) ([]connections.Offer, error) {
	offers := make([]connections.Offer, 0, len(names))
	for _, name := range names {
		if own, ok := w.own[types.NamespacedName{Namespace: namespace, Name: name}]; ok {
			offers = append(offers, own)
			continue
		}
		shared, ok := w.shared[name]
		if !ok || !shared.allowed.Matches(w.labelsOf(namespace)) {
			return nil, connections.Unavailable(name, namespace, w.available(namespace))
		}
		offers = append(offers, shared.Offer)
	}
	return offers, nil
}

// labelsOf returns a namespace's labels. Of one that nobody described only the
// name is known.
func (w *World) labelsOf(namespace string) labels.Set {
	if set, ok := w.namespaces[namespace]; ok {
		return set
	}
	return labels.Set{nameLabel: namespace}
}

func (w *World) available(namespace string) []string {
	var names []string
	for key := range w.own {
		if key.Namespace == namespace {
			names = append(names, key.Name)
		}
	}
	for name, shared := range w.shared {
		if shared.allowed.Matches(w.labelsOf(namespace)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// skips reports whether the webhook is never called for a namespace: the system's,
// our own, and those that AKS manages.
func (w *World) skips(namespace string) bool {
	set := w.labelsOf(namespace)
	return namespace == "kube-system" || namespace == w.home ||
		set["control-plane"] == "true" || set["kubernetes.azure.com/managedby"] == "aks"
}

// hint says what an offline run may lack where it denies what a cluster would
// allow; "" for nothing.
func (w *World) hint(namespace string) string {
	switch _, known := w.namespaces[namespace]; {
	case w.Connections() == 0:
		return "no connection is defined in what was read; name the files that do with --definitions"
	case !known && len(w.shared) > 0:
		return fmt.Sprintf("the labels of namespace %q are not known, which decide on ClusterConnections; add its manifest to --definitions", namespace)
	}
	return ""
}

func encodeJSONOf(value any) (json.RawMessage, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return raw, nil
}
