// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package federation has Azure trust the service accounts that were made for
// connections, by federated credentials, and lets pods go that wait for it.
//
// The contract:
//
//   - One federated credential for each service account in use of a ClusterConnection
//     or an imported Connection: never for what a namespace defines for itself.
//   - Its name follows from the cluster, the namespace's UID and the service account.
//     What has such a name and is not wanted is deleted, so that a namespace that is
//     made again inherits nothing. Others' credentials are left; one with our subject
//     is used.
//   - The writes of one identity come one after the other, and there are 20 credentials
//     at most: who gets none is told before it is tried.
//   - That Azure trusts a service account is marked on it, for all replicas and across
//     restarts. The cluster and Azure are the only memory.
//   - A pod is let go once nothing is to be waited for: within a second of the mark,
//     or because its connection is gone.
package federation
