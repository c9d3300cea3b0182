// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"k8s.io/apimachinery/pkg/labels"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// entry is a connection, bound, and whom it serves.
type entry struct {
	offer      connections.Offer
	generation int64
	allowed    labels.Selector
}

// serves reports whether it serves a namespace; nil is one that is not known.
func (e entry) serves(n *namespaceState) bool {
	return n != nil && e.allowed.Matches(n)
}

func connectionEntry(c *v1alpha1.Connection) entry {
	return entry{offer: connections.MakeOffer(connections.FromConnection(c), c.Generation, c.Status),
		generation: c.Generation, allowed: labels.Everything()}
}

func clusterConnectionEntry(c *v1alpha1.ClusterConnection) entry {
	allowed, _ := connections.Audience(c.Spec.AllowedNamespaces) // a problem serves nobody
	return entry{offer: connections.MakeOffer(connections.FromClusterConnection(c), c.Generation, c.Status),
		generation: c.Generation, allowed: allowed}
}
