// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-connection is the kubectl plugin of Service Connector for
// Kubernetes: kubectl connection list, show, use, explain and more.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	stop()
	os.Exit(code)
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	root := newRoot(streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var coded *exitError
	if !errors.As(err, &coded) {
		coded = &exitError{code: exitError1, err: clearly(err)}
	}
	if coded.err != nil {
		fmt.Fprintln(streams.ErrOut, coloursOf(streams.ErrOut).paint(red, "error:"), coded.err)
	}
	return coded.code
}

// The exit statuses, as the help documents them.
const (
	exitOK     = 0
	exitError1 = 1
	// exitFindings: the command worked, and found something wrong.
	exitFindings = 2
)

// exitError is an error with an exit status of its own. Without an error inside
// nothing is printed: the command has said it all.
type exitError struct {
	code int
	err  error
}

// Error implements error.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the error inside.
func (e *exitError) Unwrap() error { return e.err }
