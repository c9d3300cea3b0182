// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command node runs one real Kubernetes node on this machine, with its control
// plane:
//
//	go run ./node/cmd/node check    says whether this machine can
//	go run ./node/cmd/node install  installs what is missing, on Debian, and databases
//	go run ./node/cmd/node run      runs a node until it is interrupted
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"serviceconnector.dev/test/databases"
	"serviceconnector.dev/test/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: node check | install | run")
	}
	switch args[0] {
	case "check":
		return node.Requirements(ctx)
	case "install":
		return install(ctx, stderr)
	case "run":
		return runNode(ctx, stdout, stderr)
	default:
		return fmt.Errorf("unknown command %q; usage: node check | install | run", args[0])
	}
}

// install installs what the node needs, and the databases that pods use in tests.
func install(ctx context.Context, stderr io.Writer) error {
	if err := node.Install(ctx, stderr); err != nil {
		return err
	}
	if err := databases.Install(ctx, stderr); err != nil {
		return err
	}
	return errors.Join(node.Requirements(ctx), databases.Requirements())
}

func runNode(ctx context.Context, stdout, stderr io.Writer) error {
	o := node.Options{SecretsStore: true}
	o.Cluster.Output = stderr
	n, err := node.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "export KUBECONFIG=%s\n", n.Cluster.Kubeconfig)
	fmt.Fprintln(stderr, "the node runs; Ctrl-C ends it")
	<-ctx.Done()
	return n.Stop()
}
