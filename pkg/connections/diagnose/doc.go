// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package diagnose looks at a cluster and says what is wrong.
//
// Each check is a value, a Finding: what was looked at, how it is, and what to
// do. Explain follows one pod or workload from its annotation to its
// containers, in the order in which one thing needs the other, so that the
// first failure is the cause. Validate looks at one connection in one
// namespace, Doctor at the installation.
//
// Nothing is written and nothing is printed here. What must not be read is a
// finding of its own and no error; only what makes the question meaningless is
// an error: a pod that does not exist, a cluster that does not answer.
// Findings are in a fixed order and never carry a value of a Secret.
package diagnose
