// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// await waits until a condition holds. Its error ends in what was last seen.
func await(ctx context.Context, what string, condition func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	last := errors.New("nothing")
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		// A look that the end of the wait interrupts has seen nothing.
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last seen: %w", what, ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

// lockName is an abstract socket. The kernel frees it when the process ends in
// any way, and it belongs to a network namespace, as do the things that two nodes
// would quarrel about.
const lockName = "@serviceconnector-node"

// acquire waits until no other process runs a node on this machine.
func acquire(ctx context.Context, output io.Writer) (net.Listener, error) {
	var config net.ListenConfig
	lock, err := config.Listen(ctx, "unix", lockName)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return lock, err
	}
	fmt.Fprintln(output, "waiting for another process that runs a node on this machine")
	err = await(ctx, "the other node to end", func(ctx context.Context) (err error) {
		lock, err = config.Listen(ctx, "unix", lockName)
		return err
	})
	return lock, err
}
