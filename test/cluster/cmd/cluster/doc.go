// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command cluster keeps Kubernetes control planes running on this machine, by
// name, between other commands. Package cluster says what they consist of.
package main
