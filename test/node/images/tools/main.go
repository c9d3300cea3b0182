// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

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
)

// commands are the programs by their names.
var commands = map[string]func(ctx context.Context, args []string, out io.Writer) error{
	"printenv": printenv,
	"cat":      cat,
	"ls":       ls,
	"sleep":    sleep,
	"serve":    serve,
	"get":      get,
	"pause":    pause,
}

func main() {
	// The first process of a container ignores signals that it has no handler for.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	command, ok := commands[filepath.Base(args[0])]
	if !ok {
		if len(args) < 2 {
			return errors.New("tools: name a command")
		}
		args = args[1:]
		if command, ok = commands[args[0]]; !ok {
			return fmt.Errorf("tools: there is no command %q", args[0])
		}
	}
	return command(ctx, args[1:], out)
}
