// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

// contender is something that pods go through when they are made in its namespace.
type contender struct {
	Name, What string
	// Process is the name of the process whose CPU counts, "" for none.
	Process string
	// Mode is that of the command contender, "" for none.
	Mode string
	// Namespace is where its pods are made, "" for one of its own.
	Namespace string
	// Plain pods have no annotation.
	Plain bool
}

// The names of those that others are compared with.
const (
	none     = "none"
	again    = "none-again"
	constant = "constant"
	ours     = "ours"
)

// The contenders, in the order of the report.
var contenders = []contender{
	{Name: none, What: "no webhook"},
	{Name: again, What: "no webhook, a second time: the null test"},
	{Name: "plain", What: "Service Connector, pods without the annotation", Process: oursProcess, Namespace: ours, Plain: true},
	{Name: "allow", What: "F0: a webhook that allows", Process: "bench-allow", Mode: "allow"},
	{Name: "policy", What: "MutatingAdmissionPolicy, constant JSONPatch"},
	{Name: constant, What: "F1: a webhook that answers a constant patch", Process: constantProcess, Mode: "constant"},
	{Name: ours, What: "Service Connector", Process: oursProcess},
	{Name: "usual", What: "controller-runtime: typed decode, marshal, diff", Process: "bench-usual", Mode: "usual"},
}

// oursProcess is the process of Service Connector, constantProcess that of the constant
// patch, serverProcess that of the API server.
const (
	oursProcess     = "webhook"
	constantProcess = "bench-constant"
	serverProcess   = "kube-apiserver"
)

// where returns the namespace of a contender's pods.
func (c contender) where() string {
	if c.Namespace != "" {
		return c.Namespace
	}
	return c.Name
}
