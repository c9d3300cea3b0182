// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/inventory"
)

const (
	waitForReady  = "ready"
	waitForDelete = "delete"
	waitInterval  = 500 * time.Millisecond
)

// newWaitCommand waits until a connection is ready, or gone.
func newWaitCommand(env *environment) *cobra.Command {
	var until string
	var cluster bool
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "wait NAME",
		Short: "Wait until a connection is ready, or deleted",
		Long: `Wait until pods can be given a connection, or with --for=delete until its definition
is gone.

When the time is over the error says what still was in the way. A connection that is
not there yet is waited for.`,
		Example: `  # after creating it
  kubectl connection wait receipts

  # until it is gone
  kubectl connection wait receipts --for=delete --timeout=10s`,
		Args:              oneName("wait"),
		ValidArgsFunction: env.completeNames,
		PreRunE: func(*cobra.Command, []string) error {
			if slices.Contains([]string{waitForReady, waitForDelete}, until) {
				return nil
			}
			return fmt.Errorf("--for=%s is not known; use ready or delete", until)
		},
		RunE: func(command *cobra.Command, args []string) error {
			_, objects, err := env.connect()
			if err != nil {
				return err
			}
			w := waiter{env: env, objects: objects, cluster: cluster, name: args[0]}
			return clearly(w.wait(command.Context(), until, timeout))
		},
	}
	command.Flags().StringVar(&until, "for", waitForReady, "What to wait for: ready, delete")
	command.Flags().BoolVar(&cluster, "cluster", false, "Wait for the ClusterConnection of that name")
	command.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "How long to wait")
	return command
}

// waiter waits for one definition.
type waiter struct {
	env     *environment
	objects client.Reader
	cluster bool
	name    string
}

func (w *waiter) wait(ctx context.Context, until string, timeout time.Duration) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, waitInterval, timeout, true, func(context.Context) (bool, error) {
		// Reads have the time they need: one that the timeout cuts off says nothing of
		// what was in the way.
		object, err := findDefinition(ctx, w.env, w.objects, w.cluster, w.name)
		switch {
		case apierrors.IsNotFound(err):
			last = err
			return until == waitForDelete, nil
		case err != nil:
			return false, err
		case until == waitForDelete:
			last = errors.New("it is still there")
			return false, nil
		}
		state, reason, message := inventory.Ready(object)
		last = fmt.Errorf("%s: %s", reason, message)
		return state == "True", nil
	})
	if wait.Interrupted(err) && last != nil {
		return fmt.Errorf("connection %q after %s: %w", w.name, timeout, last)
	}
	if err != nil {
		return err
	}
	kind := "connection"
	if w.cluster {
		kind = "clusterconnection"
	}
	fmt.Fprintf(w.env.Out, "%s.serviceconnector.dev/%s %s\n", kind, w.name, strings.Replace(until, "delete", "deleted", 1))
	return nil
}
