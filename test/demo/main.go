// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the product's main job on a real control plane: it
// installs the product, applies the samples, and prints what was injected into
// which pod and what was provisioned where. It stays up until Ctrl-C; with
// ONCE=1 it ends by itself, with status 0 only if the pods carry what they
// should.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// patience is how long the demo waits for the samples' pods.
const patience = 60 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv("ONCE") != "", os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once bool, out io.Writer) (err error) {
	step := func(format string, args ...any) { fmt.Fprintf(out, "• "+format+"\n", args...) }
	step("starting etcd, kube-apiserver and kube-controller-manager")
	c, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()

	step("installing the CRDs and the webhook configuration, building and starting the webhook")
	p, err := product.Start(ctx, c, product.Options{})
	if err != nil {
		return err
	}
	step("applying the samples")
	if err := applySamples(ctx, c, step); err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	seen, err := await(ctx, clients, patience)
	seen.print(out)
	if err != nil {
		return err
	}
	if once {
		fmt.Fprintln(out, "\nAll pods carry what they should.")
		return nil
	}
	fmt.Fprintf(out, hint, c.Kubeconfig, c.Binary("kubectl"), p.Log)
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping")
	return nil
}

const hint = `
It stays up until Ctrl-C. Look around:
  export KUBECONFIG=%s
  alias kubectl=%s
  kubectl get connections,clusterconnections -A
  kubectl -n shop get pods -l app=orders -o yaml
  kubectl -n shop create deployment web --image=example.com/web
  kubectl -n shop annotate deployment web serviceconnector.dev/connections=orders-db
The webhook's log: %s
`

// applySamples applies manifests/samples in the order of their names.
func applySamples(ctx context.Context, c *cluster.Cluster, step func(string, ...any)) error {
	root, err := product.Root(ctx)
	if err != nil {
		return err
	}
	samples, err := filepath.Glob(filepath.Join(root, "manifests", "samples", "*.yaml"))
	if err != nil || len(samples) == 0 {
		return fmt.Errorf("no samples: %w", err)
	}
	for _, sample := range samples {
		step("  kubectl apply -f manifests/samples/%s", filepath.Base(sample))
		if _, err := c.Kubectl(ctx, "apply", "-f", sample); err != nil {
			return err
		}
	}
	return nil
}
