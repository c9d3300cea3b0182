// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster knows what the cluster holds: which connections there are,
// which namespaces they serve and which objects are provisioned already.
//
// Index is that knowledge in memory, fed by informers (Watch) and read without
// an API call. Connections are bound once, when they change, not once a pod.
// Of provisioned objects only metadata is watched, and only of those with our
// label; of all other Secrets and service accounts nothing is kept.
//
// Directory answers for names: from the index and, where that lacks a name,
// with a live read, since an informer can be behind.
package cluster
