// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command webhook is the server of Service Connector for Kubernetes: the
// admission webhooks, the controllers, and the serving certificate.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}

// run is the program: it serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "version":
			_, err := fmt.Fprintln(stdout, versionLine())
			return err
		case "check":
			return check(ctx, args[1:], stdout)
		}
	}
	options, help, err := parseOptions(args)
	if help != "" || err != nil {
		return printHelp(stdout, help, err)
	}
	return serve(ctx, options, newLogger(options, stderr))
}

// printHelp prints the help that was asked for, or points to it.
func printHelp(out io.Writer, help string, err error) error {
	if err != nil {
		return fmt.Errorf("%w; see webhook --help", err)
	}
	_, err = io.WriteString(out, help)
	return err
}
