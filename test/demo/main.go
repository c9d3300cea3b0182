// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the product's main job on a real control plane: it
// installs the product, applies the samples, and prints what was injected into
// which pod and what was provisioned where. With AZURE=1 it shows the import from
// Azure instead, from a stand-in for Azure. It stays up until Ctrl-C; with ONCE=1 it
// ends by itself, with status 0 only if all is as it should be.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// patience is how long the demo waits for one thing.
const patience = 60 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	d := &demo{out: os.Stdout, once: os.Getenv("ONCE") != ""}
	err := d.run(ctx, os.Getenv("AZURE") != "")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo shows something on a control plane.
type demo struct {
	out     io.Writer
	once    bool
	cluster *cluster.Cluster
	objects client.Client
}

func (d *demo) run(ctx context.Context, azure bool) (err error) {
	components := "etcd, kube-apiserver and kube-controller-manager"
	if azure { // a pod that is let go shows as SchedulingGated until a scheduler looks at it
		components = "etcd, kube-apiserver, kube-controller-manager and kube-scheduler"
	}
	d.step("starting %s", components)
	if d.cluster, err = cluster.Start(ctx, cluster.Options{Scheduler: azure}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.cluster.Stop()) }()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if d.objects, err = client.New(d.cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if azure {
		return d.azure(ctx)
	}
	return d.samples(ctx)
}

// samples shows what becomes of manifests/samples.
func (d *demo) samples(ctx context.Context) error {
	d.step("installing the CRDs and the webhook configuration, building and starting the webhook")
	p, err := product.Start(ctx, d.cluster, product.Options{})
	if err != nil {
		return err
	}
	d.step("applying the samples")
	if err := d.apply(ctx, "manifests/samples/*.yaml"); err != nil {
		return err
	}
	seen, err := d.awaitShop(ctx, shop.checkSamples)
	seen.print(d.out)
	if err != nil {
		return err
	}
	return d.stay(ctx, "All pods carry what they should.", fmt.Sprintf(hint, d.cluster.Kubeconfig, d.cluster.Binary("kubectl"), p.Log))
}

func (d *demo) step(format string, args ...any) { fmt.Fprintf(d.out, "• "+format+"\n", args...) }

// stay ends with a verdict, or waits for Ctrl-C with a hint.
func (d *demo) stay(ctx context.Context, verdict, hint string) error {
	if d.once {
		fmt.Fprintf(d.out, "\n%s\n", verdict)
		return nil
	}
	fmt.Fprint(d.out, hint)
	<-ctx.Done()
	fmt.Fprintln(d.out, "\nstopping")
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

// apply applies files of the repository in the order of their names.
func (d *demo) apply(ctx context.Context, pattern string) error {
	root, err := product.Root(ctx)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		return fmt.Errorf("looking for %s: %w", pattern, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("there is no %s", pattern)
	}
	for _, file := range files {
		d.step("  kubectl apply -f %s", path.Join(path.Dir(pattern), filepath.Base(file)))
		if _, err := d.cluster.Kubectl(ctx, "apply", "-f", file); err != nil {
			return err
		}
	}
	return nil
}
