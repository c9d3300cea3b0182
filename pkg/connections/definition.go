// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import "serviceconnector.dev/pkg/connections/v1alpha1"

// Definition is a Connection or a ClusterConnection, without the difference.
type Definition struct {
	Name string
	// Namespace is the Connection's namespace, "" for a ClusterConnection. The
	// credentials are there, or in the product's own namespace.
	Namespace string
	Spec      v1alpha1.ConnectionSpec
}

// FromConnection returns the Definition that a Connection holds.
func FromConnection(c *v1alpha1.Connection) Definition {
	return Definition{Name: c.Name, Namespace: c.Namespace, Spec: c.Spec}
}

// FromClusterConnection returns the Definition that a ClusterConnection holds.
func FromClusterConnection(c *v1alpha1.ClusterConnection) Definition {
	return Definition{Name: c.Name, Spec: c.Spec.ConnectionSpec}
}

// Owner names the definition, as the annotation on provisioned objects does:
// Connection/<namespace>/<name> or ClusterConnection/<name>.
func (d Definition) Owner() string {
	if d.Namespace == "" {
		return "ClusterConnection/" + d.Name
	}
	return "Connection/" + d.Namespace + "/" + d.Name
}
