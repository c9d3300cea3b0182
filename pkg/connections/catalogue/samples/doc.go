// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package samples writes a manifest for every service of the catalogue and every
// way to authenticate: the Secret with the credentials, where there are any, and
// the Connection, which is named after the service.
//
// A sample can be applied as it is. It holds what every client type needs, so
// that spec.client can be set to any of them. Its values are the examples of
// placeholders.yaml; its credentials open nothing.
//
// The package is pure, and same input gives same bytes.
package samples
