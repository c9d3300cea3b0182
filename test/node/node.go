// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/cluster"
)

const (
	// Name is the name of the Node.
	Name = "node"
	// Address is the node's address. What listens on it, pods can reach.
	Address = "10.99.0.1"
)

const (
	// startTimeout bounds the start of the node, control plane and builds not
	// counted.
	startTimeout = 2 * time.Minute
	// stopTimeout bounds the removal of what a node left.
	stopTimeout = time.Minute
	// pollInterval is how often a condition is looked at.
	pollInterval = 50 * time.Millisecond
)

// Node is a running node with its control plane.
type Node struct {
	// Cluster is the control plane. It ends with Stop of the node; do not stop it
	// alone.
	Cluster *cluster.Cluster

	settings settings
	traces   *traces
	lock     net.Listener
}

// Start starts a control plane and a node, and waits until the node is ready. The
// context bounds the start alone; the node runs until Stop.
func Start(ctx context.Context, o Options) (*Node, error) {
	if err := Requirements(ctx); err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, o.output())
	if err != nil {
		return nil, err
	}
	n := &Node{lock: lock}
	if err := n.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a node: %w", err), n.Stop())
	}
	return n, nil
}

// start starts everything in order: the machine, the control plane, the node.
func (n *Node) start(ctx context.Context, o Options) error {
	if err := removeLeftovers(ctx); err != nil {
		return fmt.Errorf("removing what an earlier node left: %w", err)
	}
	if err := checkMachine(ctx); err != nil {
		return err
	}
	var err error
	if n.traces, err = newTraces(o.Cluster.DataDir); err != nil {
		return err
	}
	if err := prepareMachine(ctx); err != nil {
		return err
	}
	options, err := o.controlPlane(n.traces.Dir)
	if err != nil {
		return err
	}
	if n.Cluster, err = cluster.Start(ctx, options); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return n.startNode(ctx, o)
}

// startNode starts what makes a node, on a control plane that runs.
func (n *Node) startNode(ctx context.Context, o Options) error {
	var err error
	if n.settings, err = newSettings(n.Cluster); err != nil {
		return err
	}
	if err := n.settings.write(); err != nil {
		return err
	}
	// The sandbox image comes before the kubelet, which may have pods at once.
	steps := []func(context.Context) error{n.startContainerd, n.loadTools, n.startKubelet, n.awaitReady, n.startProxy}
	if o.SecretsStore {
		steps = append(steps, n.startSecretsStore)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the node and the control plane, and removes what they made. A second
// Stop does nothing.
func (n *Node) Stop() error {
	if n.Cluster != nil {
		if err := n.Cluster.Stop(); err != nil {
			return err
		}
	}
	if n.traces != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := n.traces.remove(ctx); err != nil {
			return fmt.Errorf("removing the node: %w", err)
		}
		n.traces = nil
	}
	if err := n.lock.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// awaitReady waits until the Node is ready and free of the taints that keep pods
// away until then.
func (n *Node) awaitReady(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(n.Cluster.Config())
	if err != nil {
		return err
	}
	return await(ctx, "the Node to be ready", func(ctx context.Context) error {
		node, err := clients.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("taint %s", node.Spec.Taints[0].Key)
		}
		return ready(node)
	})
}

// ready returns nil for a Node that says that it is ready.
func ready(node *corev1.Node) error {
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status == corev1.ConditionTrue {
			return nil
		}
		return errors.New(condition.Message)
	}
	return errors.New("no condition Ready yet")
}
