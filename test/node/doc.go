// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package node adds one real node to a control plane of package cluster: the
// kubelet, containerd with runc, a CNI bridge and kube-proxy. Pods run, their
// logs can be read, and Services route to them.
//
//	if err := node.Requirements(ctx); err != nil { ... } // says what is missing
//	n, err := node.Start(ctx, node.Options{})
//	if err != nil { ... }
//	defer n.Stop()
//	err = n.LoadImage(ctx, node.Image{Name: "localhost/app:1", Files: ..., Entrypoint: ...})
//
// The contract:
//
//   - It needs Linux, root and a few packages; see Requirements and Install.
//   - One node runs on a machine at a time. A second Start waits until the first
//     node was stopped or its process ended.
//   - Start returns when the Node is ready and a pod can be scheduled on it.
//     Otherwise it returns an error, and nothing that it started is left.
//   - Stop ends every process, the pods' too, and removes what was made outside
//     the data folder: network interfaces, nftables tables, mounts, cgroups,
//     sockets. Changed kernel settings get their old values. Pods are killed, not
//     asked.
//   - Restart is a power cut and a new start on the same data; KillContainer ends
//     one container. LoadArchive takes an image that somebody else has built.
//   - What a killed process left, the next Start removes: it is written down in
//     /run before it is made.
//   - Pods reach each other, Services, and programs of this machine that listen
//     on Address. They have no way out of the machine, and no DNS.
//   - There is no registry. An image is made of files by LoadImage; pods use it
//     with imagePullPolicy IfNotPresent. ToolsImage is always there.
//
// # The stand-in for the Secrets Store CSI driver
//
// With Options.SecretsStore the node has a driver of the name
// secrets-store.csi.k8s.io. It is NOT the real one: neither the Secrets Store
// CSI driver nor the Azure Key Vault provider is to be had as a Go module, and
// there is no vault. Package secretsstore stands in for both; its doc.go says
// what it does as they do and what it leaves out.
package node
