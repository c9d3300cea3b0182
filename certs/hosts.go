// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

// ServiceHosts returns the names under which a Service is called. The first is
// the one that API servers use.
func ServiceHosts(service, namespace string) []string {
	qualified := service + "." + namespace
	return []string{qualified + ".svc", qualified + ".svc.cluster.local", qualified, service}
}
