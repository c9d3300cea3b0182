// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import "serviceconnector.dev/pkg/connections/v1alpha1"

// SecretName returns the name of the Secret that a connection provisions:
// sc-<name>-secret, as Azure Service Connector names it, unless the connection
// chooses another.
func SecretName(d Definition) string {
	if d.Spec.SecretName != "" {
		return d.Spec.SecretName
	}
	return "sc-" + d.Name + "-secret"
}

// ServiceAccountName returns the name of the service account of an identity:
// sc-account-<client id>, as Azure Service Connector names it.
func ServiceAccountName(clientID v1alpha1.UUID) string {
	return "sc-account-" + string(clientID)
}
