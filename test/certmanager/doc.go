// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package certmanager runs the real cert-manager beside a test cluster: its
// controllers and its cainjector, built from its own module (folder server), as
// one process. Without its webhook, its objects are not validated.
package certmanager
