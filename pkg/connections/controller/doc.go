// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package controller does what comes after admission. For now that is the
// status of Connections and ClusterConnections: whether they can be given to
// pods, and if not, why and what to do. Admission does not depend on it.
package controller
