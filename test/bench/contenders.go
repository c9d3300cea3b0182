// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/bench/effect"
)

// contender is something that pods go through when they are made in its namespace.
type contender struct {
	Name, What string
	// Process is the name of the process whose CPU counts, "" for none.
	Process string
	// Namespace is where its pods are made, "" for one of its own.
	Namespace string
	// Plain pods have no annotation.
	Plain bool
	// Labels are what its pods have besides.
	Labels map[string]string
	// Add has the API server send the pods through it, nil where nothing must be
	// done for that.
	Add func(ctx context.Context, w *world, c contender) error
	// Rival is how a program of others is had, nil for none.
	Rival *rival
	// Check reports how a pod, as it was made, lacks what is compared, nil where
	// nothing is done to it.
	Check func(*corev1.Pod) error
}

// The names of those that others are compared with.
const (
	none     = "none"
	again    = "none-again"
	constant = "constant"
	ours     = "ours"
	// conditional is the constant patch, asked about as Service Connector is.
	conditional = "conditional"
)

// The contenders of ours, in the order of the report.
var contenders = []contender{
	{Name: none, What: "no webhook"},
	{Name: again, What: "no webhook, a second time: the null test"},
	{Name: "plain", What: "Service Connector, pods without the annotation", Process: oursProcess, Namespace: ours, Plain: true},
	{Name: "allow", What: "F0: a webhook that allows", Process: "bench-allow", Add: addWebhook("allow")},
	{Name: "policy", What: "MutatingAdmissionPolicy, constant JSONPatch", Add: addPolicy, Check: effect.Check},
	{Name: constant, What: "F1: a webhook that answers a constant patch", Process: constantProcess, Add: addWebhook("constant"), Check: effect.Check},
	{Name: conditional, What: "F1, behind Service Connector's match condition", Process: "bench-conditional", Add: addWebhook("constant"), Check: effect.Check},
	{Name: ours, What: "Service Connector", Process: oursProcess, Check: effect.Check},
	{Name: "usual", What: "controller-runtime: typed decode, marshal, diff", Process: "bench-usual", Add: addWebhook("usual"), Check: effect.Check},
}

// The contenders that are programs of others.
var others = []contender{
	{Name: "azure-workload-identity", What: "azure-workload-identity v" + identityVersion + ", its own change", Process: "azure-workload-identity",
		Labels: map[string]string{identityLabel: "true"}, Rival: &identity, Check: hasToken},
	{Name: "kyverno", What: "Kyverno v" + kyvernoVersion + ", MutatingPolicy", Process: "kyverno", Rival: &kyverno, Check: effect.Check},
}

// besideOthers are those of ours that are measured again beside them.
func besideOthers() []contender {
	return slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool {
		return !slices.Contains([]string{none, again, constant, ours}, c.Name)
	})
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

// benchLabel is what a contender's own namespace is labelled with; its value is the
// contender's name.
const benchLabel = "bench"

// selector selects a contender's own namespace.
func (c contender) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{benchLabel: c.Name}}
}

// hasProcess reports whether a process works on its pods.
func (c contender) hasProcess() bool { return c.Process != "" && !c.Plain }

// pod returns a contender's pod.
func (c contender) pod() *corev1.Pod {
	pod := effect.Pod()
	maps.Copy(pod.Labels, c.Labels)
	if c.Plain {
		pod.Annotations = map[string]string{"example.com/of-the-same-length": effect.Connection}
	}
	return pod
}

// absent is a contender that is not measured, and why.
type absent struct {
	Name   string `json:"name"`
	What   string `json:"what"`
	Reason string `json:"reason"`
}
