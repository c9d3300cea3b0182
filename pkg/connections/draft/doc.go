// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package draft writes connections for people.
//
// A Draft is what somebody said of a connection so far. Needs says what is
// still missing, with the catalogue's words for it, so that a front end can ask;
// Objects turns a complete Draft into the connection and, where there are
// credentials, the Secret that holds them. What is wrong is said in terms of the
// Draft, before any cluster is asked.
//
// The package is pure. It never puts a credential into an error or into the
// connection.
package draft
