// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real Kubernetes control plane on this machine, for
// tests and for trying things out: etcd, kube-apiserver, kube-controller-manager
// and, when asked for, kube-scheduler. It needs no container runtime and no
// download but Go modules.
//
//	c, err := cluster.Start(ctx, cluster.Options{})
//	if err != nil { ... }
//	defer c.Stop()
//	clientset, err := kubernetes.NewForConfig(c.Config())
//
// The contract:
//
//   - Binaries are built once from the modules that pins/ names, into a folder
//     below the user's cache folder, and used by every later start. Where the
//     environment variable KUBEBUILDER_ASSETS names a folder, its binaries are
//     used instead.
//   - Start returns when the API server is ready and the namespace "default"
//     has its service account, or with an error that ends in the last lines of
//     the failing component's log; then nothing it started is left.
//   - Any number of clusters run side by side. Everything listens on loopback
//     and asks for a certificate or a token.
//   - Stop ends the processes and removes what Start made. On Linux they also
//     end when this process is killed, unless Options.Detach is set. Elsewhere
//     they outlive a killed parent.
//   - There is no node: pods are created and stay Pending. Package node adds one.
//
// The command cmd/cluster does the same for a shell.
package cluster
