// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package controller does what comes after admission, in the one replica that
// leads. Admission does not depend on it.
//
//   - Status: whether a connection can be given to pods, and if not, why and what
//     to do; in how many namespaces it is up to date (status.go, reconciler.go).
//   - Objects: what was made for a connection stays as it should be. It is put
//     back when it is deleted or edited, follows the definition and the
//     credentials, and is left or deleted when it is no longer needed (objects.go).
//   - Workloads: pods that run with earlier values, or without what they asked
//     for, are found, reported and, where that is allowed, replaced (scan.go,
//     rollout.go).
//
// Everything converges from what the cluster holds: a controller that is killed
// at any moment, or two that lead for a while, end in the same state.
package controller
