// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// newRefreshCommand has imported connections read from Azure at once.
func newRefreshCommand(env *environment) *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "refresh NAME",
		Short: "Read an imported connection, and its keys, from Azure now",
		Long: `Have the webhook read a connection of Azure's Service Connector, and the keys of what
it leads to, now instead of with the next import, and wait until that is done.

A key that was rotated reaches the Secrets of pods within half a minute by that. Pods
that run keep the old one until they are rolled (see kubectl connection validate).

Connections that were not imported need no refresh: what they refer to is watched.`,
		Example: `  # after a key was rotated
  kubectl connection refresh receipts`,
		Args:              oneName("refresh"),
		ValidArgsFunction: env.completeNames,
		RunE: func(command *cobra.Command, args []string) error {
			_, objects, err := env.connect()
			if err != nil {
				return err
			}
			return clearly(env.refresh(command.Context(), objects, args[0], timeout))
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "How long to wait")
	return command
}

func (e *environment) refresh(ctx context.Context, objects client.Client, name string, timeout time.Duration) error {
	object, err := findDefinition(ctx, e, objects, false, name)
	if err != nil {
		return err
	}
	if object.GetLabels()[v1alpha1.LabelImported] == "" {
		return fmt.Errorf("connection %q was not imported from Azure, and needs no refresh: what it refers to is watched", name)
	}
	request := time.Now().UTC().Format(time.RFC3339Nano)
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationRefresh, request))
	c := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: name}}
	if err := objects.Patch(ctx, c, patch); err != nil {
		return err
	}
	fmt.Fprintln(e.ErrOut, "asking for it to be read ...")
	key := client.ObjectKeyFromObject(c)
	err = wait.PollUntilContextTimeout(ctx, waitInterval, timeout, true, func(context.Context) (bool, error) {
		// Reads have the time they need, as those of wait.
		c = &v1alpha1.Connection{}
		if err := objects.Get(ctx, key, c); apierrors.IsNotFound(err) {
			return false, fmt.Errorf("connection %q is gone: so is its linker in Azure", name)
		} else if err != nil {
			return false, err
		}
		return c.Annotations[v1alpha1.AnnotationRefreshed] == request, nil
	})
	imported := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionImported)
	why := "nothing says why; see kubectl connection logs " + name
	if imported != nil && imported.Status != metav1.ConditionTrue {
		why = imported.Message
	}
	switch {
	case wait.Interrupted(err):
		return fmt.Errorf("connection %q was not read within %s: %s", name, timeout, why)
	case err != nil:
		return err
	case imported == nil || imported.Status != metav1.ConditionTrue:
		return fmt.Errorf("connection %q was read, but is not complete: %s", name, why)
	}
	fmt.Fprintf(e.Out, "connection.serviceconnector.dev/%s refreshed\n", name)
	return nil
}
