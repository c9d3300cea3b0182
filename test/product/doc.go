// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package product installs Service Connector on a test cluster and runs its
// webhook as it runs in a cluster: the real binary, a process of its own, with
// a token of its service account and no other rights.
//
// One thing differs from an installation: the API server runs beside the
// webhook and has no way to a Service, so the configuration names a URL on
// loopback instead. The server offers HTTP/1.1 alone, so that the transport is
// the one that a Service would see.
package product
