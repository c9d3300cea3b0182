// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package azure asks Azure Resource Manager: which connections Service Connector
// has on the cluster (linkers), and for the keys of what they lead to.
//
// Client is the edge. Everything that it sends goes through one governor, which
// keeps to what Azure says: a limit for each subscription, no call before the
// time that a Retry-After named, and none for a while after failures in a row.
// Azure is never asked from admission.
//
// Import is pure: from a linker and its settings to a connection.
//
// An error that a person has to mend comes back as a *connections.Problem, with a
// reason, Azure's own code and message, and what to do. What looks like a
// credential in a message is taken out of it.
package azure
