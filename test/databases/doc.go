// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package databases runs a real PostgreSQL and a real Redis beside a test
// cluster, Debian's packages, for applications that connect to them.
//
// The contract:
//
//   - It needs Linux, root and the packages; see Requirements and Install.
//   - A server listens on the given address alone, such as node.Address, which
//     pods reach. Its data lies in the cluster's folder and it ends with the
//     cluster, or with this process. What it holds is not kept.
//   - It runs as the user that its package made, and so that it can reach its
//     data, everybody may pass through the cluster's folder (mode 0711).
//   - Passwords are random, and awkward: they hold a blank, quotes, a backslash
//     and what has a meaning in URLs.
//
// The packages' own services are neither used nor changed. Where services may
// start when they are installed, Debian starts them.
package databases
