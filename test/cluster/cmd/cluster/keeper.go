// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/cluster/internal/filelock"
)

// keeper keeps one named cluster. Its folder holds all there is to it.
type keeper struct {
	root, name     string
	stdout, stderr io.Writer
}

func (k *keeper) dir() string { return filepath.Join(k.root, k.name) }

// note tells the person at the keyboard something.
func (k *keeper) note(format string, args ...any) {
	fmt.Fprintf(k.stderr, format+"\n", args...)
}

// lock keeps other commands from this cluster.
func (k *keeper) lock(ctx context.Context) (unlock func(), err error) {
	return filelock.Acquire(ctx, k.dir()+".lock", func() {
		k.note("waiting for another command that works on cluster %q", k.name)
	})
}

// up starts the cluster unless it runs.
func (k *keeper) up(ctx context.Context, o cluster.Options) error {
	unlock, err := k.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := k.running(ctx)
	if err != nil {
		return err
	}
	if c != nil {
		k.note("cluster %q is running already, at %s", k.name, c.URL)
		return k.printKubeconfig(c)
	}
	o.DataDir = k.dir()
	c, err = cluster.Start(ctx, o)
	if errors.Is(err, context.Canceled) {
		return errors.Join(err, os.RemoveAll(k.dir()))
	}
	if err != nil {
		return fmt.Errorf("%w\nall logs are in %s", err, k.dir())
	}
	k.note("cluster %q is up at %s", k.name, c.URL)
	return k.printKubeconfig(c)
}

// running returns the cluster if it runs and can be used, and nil if there is
// none. What an earlier one left is cleaned up.
func (k *keeper) running(ctx context.Context) (*cluster.Cluster, error) {
	c, err := cluster.Open(k.dir())
	if errors.Is(err, fs.ErrNotExist) {
		// A failed start leaves logs, and they were told of.
		return nil, os.RemoveAll(k.dir())
	}
	if err != nil {
		return nil, err
	}
	if gone := ended(c); len(gone) > 0 {
		k.note("cluster %q has lost %s; starting it anew", k.name, strings.Join(gone, ", "))
		return nil, k.remove(c)
	}
	err = c.Check(ctx)
	if errors.Is(err, cluster.ErrIncomplete) {
		// The lock is held, so nobody is at it.
		k.note("cluster %q was left half started; starting it anew", k.name)
		return nil, k.remove(c)
	}
	if err != nil {
		return nil, fmt.Errorf("cluster %q runs but cannot be used: %w; look into the logs in %s, or end it with: cluster down --name %s", k.name, err, c.Dir, k.name)
	}
	return c, nil
}

// down ends the cluster. That there is none is not an error.
func (k *keeper) down(ctx context.Context) error {
	unlock, err := k.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := cluster.Open(k.dir())
	if errors.Is(err, fs.ErrNotExist) {
		k.note("cluster %q is not running", k.name)
		return os.RemoveAll(k.dir())
	}
	if err != nil {
		return err
	}
	if gone := ended(c); len(gone) > 0 {
		k.note("%s had ended before; cleaning up", strings.Join(gone, ", "))
	}
	if err := k.remove(c); err != nil {
		return err
	}
	k.note("cluster %q is down", k.name)
	return nil
}

// remove ends what runs of a cluster and removes its files.
func (k *keeper) remove(c *cluster.Cluster) error {
	if err := c.Stop(); err != nil {
		return err
	}
	return os.RemoveAll(k.dir())
}

// status says how the cluster is. The error says so too, for scripts.
func (k *keeper) status(ctx context.Context) error {
	c, err := cluster.Open(k.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cluster %q is not running; start it with: cluster up --name %s", k.name, k.name)
	}
	if err != nil {
		return err
	}
	for _, p := range c.Processes() {
		state := "running"
		if !p.Running {
			state = "ended"
		}
		fmt.Fprintf(k.stdout, "%-24s process %-8d %s\n", p.Name, p.PID, state)
	}
	fmt.Fprintf(k.stdout, "%-24s %s\n%-24s %s\n", "server", c.URL, "logs", c.Dir)
	if c.AuditLog != "" {
		fmt.Fprintf(k.stdout, "%-24s %s\n", "audit log", c.AuditLog)
	}
	if err := k.printKubeconfig(c); err != nil {
		return err
	}
	if err := c.Check(ctx); err != nil {
		return fmt.Errorf("cluster %q cannot be used: %w", k.name, err)
	}
	return nil
}

// printKubeconfig prints the line that a shell can take up.
func (k *keeper) printKubeconfig(c *cluster.Cluster) error {
	_, err := fmt.Fprintf(k.stdout, "KUBECONFIG=%s\n", c.Kubeconfig)
	return err
}

// ended returns the names of the components that do not run any more.
func ended(c *cluster.Cluster) []string {
	var names []string
	for _, p := range c.Processes() {
		if !p.Running {
			names = append(names, p.Name)
		}
	}
	return names
}
