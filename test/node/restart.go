// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Restart does to the node what a power cut does to a machine, and starts it
// again: every process ends without notice, the control plane's, those that run
// beside the cluster and the pods'. What a machine keeps on its disk is kept:
// etcd's data, images, logs. What it does not is gone: mounts, interfaces,
// cgroups, containerd's state. It returns when the node is ready; the kubelet
// then brings the pods back by itself.
func (n *Node) Restart(ctx context.Context) error {
	var since time.Time
	err := n.Cluster.Reboot(ctx, func(ctx context.Context) error {
		since = time.Now()
		return n.bootMachine(ctx)
	})
	if err == nil {
		err = n.awaitHeartbeat(ctx, since)
	}
	if err != nil {
		return fmt.Errorf("restarting the node: %w", err)
	}
	return nil
}

// bootMachine removes what does not outlive a restart of the machine, and makes
// what the node has to find.
func (n *Node) bootMachine(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		killProcesses,
		func(ctx context.Context) error { return unmountAll(ctx, n.traces.Dir) },
		func(context.Context) error { return n.removeState() },
		removeLinks,
		removeTables,
		removeCgroups,
		prepareMachine,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// removeState removes containerd's state and the shims' sockets, which lie in
// /run on other machines. The state says where the sockets are.
func (n *Node) removeState() error {
	sockets, err := n.traces.shimSockets()
	if err != nil {
		return err
	}
	for _, socket := range sockets {
		if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(n.traces.Dir, "containerd/state"))
}

// awaitHeartbeat waits until the kubelet says that the Node is ready. What it
// said before the restart does not count.
func (n *Node) awaitHeartbeat(ctx context.Context, since time.Time) error {
	clients, err := kubernetes.NewForConfig(n.Cluster.Config())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return await(ctx, "the Node to be ready again", func(ctx context.Context) error {
		node, err := clients.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && !condition.LastHeartbeatTime.After(since) {
				return errors.New("no word of the kubelet since the restart")
			}
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("taint %s", node.Spec.Taints[0].Key)
		}
		return ready(node)
	})
}
