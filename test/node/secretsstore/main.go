// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("secretsstore", flag.ContinueOnError)
	flags.SetOutput(stderr)
	kubeconfig := flags.String("kubeconfig", "", "the `file` that says how to reach the API server")
	node := flags.String("node", "", "the `name` of the Node")
	socket := flags.String("socket", "", "the `path` of the driver's socket")
	registration := flags.String("registration", "", "the `path` of the socket in the kubelet's plugins_registry")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *kubeconfig == "" || *node == "" || *socket == "" || *registration == "" {
		return errors.New("secretsstore: set --kubeconfig, --node, --socket and --registration")
	}
	objects, err := newObjects(*kubeconfig)
	if err != nil {
		return err
	}
	return serve(ctx, *socket, *registration, &driver{node: *node, objects: objects, log: stderr})
}
