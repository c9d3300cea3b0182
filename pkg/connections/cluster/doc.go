// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster knows what the cluster holds: which connections there are,
// which namespaces they serve and which objects are provisioned already.
//
// Index is that knowledge in memory, read without an API call. Informers feed it
// with connections (Watch), which are bound once, when they change, not once a
// pod. Feed feeds it with namespaces and with what is provisioned, of which only
// metadata is watched, and only of objects with our label; of all other Secrets
// and service accounts nothing is kept.
//
// Directory answers for names: from the index and, where that lacks a name,
// with a live read, since a watch can be behind.
package cluster
