// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the product with real pods on a real node: what the webhook
// injects is read by processes in containers.
//
// It needs Linux, root and the packages that `make e2e` installs, and runs with
// SERVICECONNECTOR_NODE=1 alone; without it the tests say so and end.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"

	"serviceconnector.dev/test/node"
	"serviceconnector.dev/test/product"
)

var (
	machine *node.Node
	clients kubernetes.Interface
	// current is the chart of this tree.
	current chart
)

func TestMain(m *testing.M) {
	if os.Getenv("SERVICECONNECTOR_NODE") != "1" {
		fmt.Println("not run: SERVICECONNECTOR_NODE=1 is not set; make e2e sets it, on Linux as root")
		os.Exit(0)
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if machine, err = node.Start(ctx, node.Options{SecretsStore: true}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, machine.Stop()) }()
	if clients, err = kubernetes.NewForConfig(machine.Cluster.Config()); err != nil {
		return 1, err
	}
	root, err := product.Root(ctx)
	if err != nil {
		return 1, err
	}
	if current, err = load(ctx, root, root, "current"); err != nil {
		return 1, err
	}
	if err := setUp(ctx); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, printSummary(os.Stdout)
}

// setUp brings about what each test starts with, whatever is there: the chart
// with its own values, two replicas behind the Service, and the connections.
func setUp(ctx context.Context) error {
	root, err := product.Root(ctx)
	if err != nil {
		return err
	}
	namespace := filepath.Join(root, "manifests", "namespace.yaml")
	if _, err := kubectl(ctx, "apply", "-f", namespace, "-f", "testdata/namespace.yaml"); err != nil {
		return err
	}
	if _, err := helm(ctx, "helm", current.arguments()...); err != nil {
		return err
	}
	if err := settled(ctx, 2); err != nil {
		return err
	}
	if _, err := kubectl(ctx, "apply", "-f", "testdata/shop.yaml"); err != nil {
		return err
	}
	return awaitAdmission(ctx)
}
