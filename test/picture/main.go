// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command picture runs a session of kubectl connection in a terminal, against a
// real control plane with the product and the samples, and draws what was seen
// as an SVG:
//
//	go run ./picture ../docs/kubectl-connection.svg
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// session is what is typed, in this order. A command that is to fail does so in
// the picture, too.
var session = []string{
	"kubectl connection list",
	"kubectl connection use orders-bd deployment/web --wait=false",
	"kubectl connection use orders-db deployment/web --wait=false",
	"kubectl connection explain deployment/billing",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 1 {
		return errors.New("name the file to write")
	}
	c, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := prepare(ctx, c); err != nil {
		return err
	}
	var seen strings.Builder
	for _, line := range session {
		out, err := inTerminal(ctx, c, line)
		if err != nil {
			return fmt.Errorf("running %s: %w", line, err)
		}
		fmt.Fprintf(&seen, "\x1b[1m$ %s\x1b[0m\n%s\n", line, out)
	}
	return os.WriteFile(args[0], draw(seen.String()), 0o644) //nolint:gosec // a picture for everybody
}

// refused is a Deployment whose pods are refused: the name is misspelt.
const refused = `apiVersion: apps/v1
kind: Deployment
metadata: {name: billing, namespace: shop, annotations: {serviceconnector.dev/connections: reciepts}}
spec:
  selector: {matchLabels: {app: billing}}
  template:
    metadata: {labels: {app: billing}}
    spec: {containers: [{name: billing, image: example.com/billing}]}
`

// prepare installs the product, its plugin and the samples, a workload without
// connections and one that is refused.
func prepare(ctx context.Context, c *cluster.Cluster) error {
	root, err := product.Root(ctx)
	if err != nil {
		return err
	}
	if _, err := product.Start(ctx, c, product.Options{}); err != nil {
		return err
	}
	if _, err := product.BuildPlugin(ctx, c); err != nil {
		return err
	}
	billing := filepath.Join(c.Dir, "billing.yaml")
	if err := os.WriteFile(billing, []byte(refused), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"apply", "-f", filepath.Join(root, "manifests", "samples"), "-f", billing},
		{"-n", "shop", "create", "deployment", "web", "--image=example.com/web"},
		{"-n", "shop", "wait", "--for=condition=Ready", "connections", "--all", "--timeout=30s"},
		{"wait", "--for=condition=Ready", "clusterconnections", "--all", "--timeout=30s"},
		{"-n", "shop", "wait", "--for=condition=ReplicaFailure", "deployment/billing", "--timeout=30s"},
		{"config", "set-context", "--current", "--namespace=shop"},
	} {
		if _, err := c.Kubectl(ctx, args...); err != nil {
			return err
		}
	}
	return awaitMade(ctx, c)
}

// awaitMade waits until the samples' Secrets are there, which their pods asked
// for.
func awaitMade(ctx context.Context, c *cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := c.Kubectl(ctx, "-n", "shop", "get", "secrets", "sc-orders-db-secret", "sc-receipts-secret")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}
