// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package offline is the second front end of the engine: what the webhook does to
// objects in a cluster, it does to manifests in files.
//
// A File is read into documents (Parse), a World holds the connections, the
// namespaces and the objects that are known, from files or from a cluster, and an
// Injector asks the webhook's own deciders (pkg/mutate/admission) about each
// object. The World stands in for the cluster: it is their Directory and their
// Inspector, and the webhook's own provisioner writes into it.
//
// Patches are applied to trees of YAML, so that comments and the order of keys
// survive. What is not patched keeps its bytes.
package offline
