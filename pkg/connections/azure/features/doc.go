// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package features looks at what an AKS cluster has switched on of that which
// connections need, and switches it on.
//
// The contract:
//
//   - Nothing is switched on but by Enable and Write, and nothing is ever switched off.
//   - Write sends the cluster as it was read, with what Enable changed, and only if
//     nobody changed it meanwhile.
//   - A cluster that is being changed is left alone.
package features
