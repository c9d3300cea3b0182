// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"strings"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Definition is a Connection or a ClusterConnection, without the difference.
type Definition struct {
	Name string
	// Namespace is the Connection's namespace, "" for a ClusterConnection. The
	// credentials are there, or in the product's own namespace.
	Namespace string
	Spec      v1alpha1.ConnectionSpec
	// Imported says that the connection comes from Azure's Service Connector, which
	// may have made its Secret.
	Imported bool
}

// FromConnection returns the Definition that a Connection holds.
func FromConnection(c *v1alpha1.Connection) Definition {
	return Definition{Name: c.Name, Namespace: c.Namespace, Spec: c.Spec, Imported: c.Labels[v1alpha1.LabelImported] != ""}
}

// FromClusterConnection returns the Definition that a ClusterConnection holds.
func FromClusterConnection(c *v1alpha1.ClusterConnection) Definition {
	return Definition{Name: c.Name, Spec: c.Spec.ConnectionSpec}
}

// ParseOwner reads what Owner wrote. namespace is "" for a ClusterConnection, and
// name is "" for what Owner never writes.
func ParseOwner(owner string) (namespace, name string) {
	if name, ok := strings.CutPrefix(owner, ownerCluster); ok && !strings.Contains(name, "/") {
		return "", name
	}
	rest, ok := strings.CutPrefix(owner, ownerNamespaced)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 2 || parts[0] == "" {
		return "", ""
	}
	return parts[0], parts[1]
}

const (
	ownerCluster    = "ClusterConnection/"
	ownerNamespaced = "Connection/"
)

// Owner names the definition, as the annotation on provisioned objects does:
// Connection/<namespace>/<name> or ClusterConnection/<name>.
func (d Definition) Owner() string {
	if d.Namespace == "" {
		return ownerCluster + d.Name
	}
	return ownerNamespaced + d.Namespace + "/" + d.Name
}
