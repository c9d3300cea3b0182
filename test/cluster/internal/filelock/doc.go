// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package filelock keeps processes of one user from doing the same thing at
// once. A lock ends with the process that holds it, however that ends. Where the
// system has no such lock, Acquire grants it at once.
package filelock
