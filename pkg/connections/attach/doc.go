// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package attach says which connections a workload uses, changes that, and
// follows the rollout.
//
// A workload's connections stand in its own annotation or, where its author
// wrote them there, in its pod template, which wins; a change is made where they
// stand. Apply writes, everything else is values in and values out.
package attach
