// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory says what connections there are and what became of them,
// for people: a list for a namespace or a cluster, and everything about one.
//
// It only reads, with the rights of whoever asks, and live: nothing is cached.
// What that person may not read is left out and named in Notes; only
// where nothing at all can be said is it an error. Values of settings are read
// only where Values is called.
//
// Nothing here prints. The fields have JSON names, so that a command line and a
// page can show the same.
package inventory
