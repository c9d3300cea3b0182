// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package connections says what a connection means.
//
// It is pure. A Connection or ClusterConnection becomes a Definition, a
// Definition becomes a Binding (Bind): the Secret, the service account and the
// settings that the connection means in any namespace that uses it. A Binding
// and the credentials it refers to become the Secret's content (Render), and a
// Binding alone becomes the Injection of a pod, so that a pod whose objects
// are there needs no credential at all.
//
// What is wrong with a definition or its credentials is a Problem; what is
// wrong with the combination that a pod asks for is a mutate.Denial. Neither
// ever carries a value.
package connections
