// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package world takes a test cluster for one of AKS, with the stand-in of package
// azure for its Azure: the set-up that docs/azure.md has people do, and the product
// installed with it.
//
// The contract:
//
//   - Open starts the cloud. In it are the cluster and an identity for the webhook,
//     which has a federated credential for its service account; anything else is added
//     by methods of the cloud.
//   - Install gives the webhook the rights of the chart's azure.cluster and
//     azure.federation.enabled, and starts it so that it imports and federates.
//   - The token that the webhook shows to Azure is one that the API server issued, and
//     is verified with the API server's keys.
package world
