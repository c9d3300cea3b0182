// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package pages writes the documents about services, docs/services, from the
// catalogue: an index and one page a service. A test holds the committed ones to
// what it writes.
//
// The package is pure, and same input gives same bytes.
package pages
