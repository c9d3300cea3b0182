// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/inventory"
)

// deletion is a deletion as its flags say.
type deletion struct {
	cluster, purge, yes bool
	home                string
}

// newDeleteCommand deletes a definition.
func newDeleteCommand(env *environment) *cobra.Command {
	var d deletion
	command := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a connection, and with --purge what was made for it",
		Long: `Delete the definition of a connection.

What was made for it (Secrets, service accounts, SecretProviderClasses) stays, so that
pods that run or restart keep what they have, or goes with the last pod that uses it
where the definition says deletionPolicy: Delete. --purge deletes it at once, in every
namespace. The credentials that the definition refers to are their author's and always
stay. New pods of workloads that still ask for the connection are refused until they
stop asking (kubectl connection unuse).

What would happen is shown first. At a terminal you are asked; elsewhere add --yes.`,
		Example: `  # forget it, and keep what was made
  kubectl connection delete receipts --yes

  # with everything that was made, in all namespaces
  kubectl connection delete reports-db --cluster --purge --yes`,
		Args:              oneName("delete"),
		ValidArgsFunction: env.completeNames,
		RunE: func(command *cobra.Command, args []string) error {
			return clearly(d.run(command.Context(), env, args[0]))
		},
	}
	flags := command.Flags()
	flags.BoolVar(&d.cluster, "cluster", false, "Delete the ClusterConnection of that name")
	flags.BoolVar(&d.purge, "purge", false, "Delete what was made for it, too")
	flags.BoolVarP(&d.yes, "yes", "y", false, "Do not ask")
	flags.StringVar(&d.home, "system-namespace", defaultHome, "The namespace of Service Connector, where the credentials of a ClusterConnection are")
	return command
}

func (d *deletion) run(ctx context.Context, env *environment, name string) error {
	_, objects, err := env.connect()
	if err != nil {
		return err
	}
	object, err := findDefinition(ctx, env, objects, d.cluster, name)
	if err != nil {
		return err
	}
	remains, err := inventory.Left(ctx, objects, object, d.home)
	if err != nil {
		return err
	}
	printNotes(env, remains.Notes)
	d.announce(env, name, remains)
	if sure, err := d.sure(env, name); err != nil || !sure {
		return err
	}
	if err := objects.Delete(ctx, object, client.Preconditions{UID: new(object.GetUID())}); err != nil {
		return fmt.Errorf("deleting %s %q: %w", kindOf(object), name, err)
	}
	fmt.Fprintf(env.Out, "%s.serviceconnector.dev/%s deleted\n", strings.ToLower(kindOf(object)), name)
	if !d.purge {
		return nil
	}
	if err := inventory.Purge(ctx, objects, remains); err != nil {
		return err
	}
	for _, o := range remains.Objects {
		fmt.Fprintf(env.Out, "%s/%s in namespace %s deleted\n", strings.ToLower(string(o.Kind)), o.Name, o.Namespace)
	}
	return nil
}

// sure asks, unless --yes was said.
func (d *deletion) sure(env *environment, name string) (bool, error) {
	if d.yes {
		return true, nil
	}
	if _, ok := env.terminal(); !ok {
		return false, errors.New("nothing was deleted: add --yes, as there is no terminal to ask at")
	}
	return env.confirm(fmt.Sprintf("Delete connection %q?", name))
}

// announce says what the deletion means.
func (d *deletion) announce(env *environment, name string, remains *inventory.Remains) {
	if n := len(remains.Workloads); n > 0 {
		var users []string
		for _, w := range remains.Workloads {
			users = append(users, w.Namespace+":"+w.String())
		}
		fmt.Fprintf(env.ErrOut, "warning: new pods that ask for %q will be refused; it is asked for by %s:\n  %s\n", name, counted(n, "workload"),
			strings.Join(wrapList(users, textWidth-4), "\n  "))
	}
	if d.purge {
		return
	}
	fate := "stays"
	if remains.Deleted {
		fate = "goes with the last pod that uses it,"
	}
	for _, namespace := range namespacesOf(remains) {
		var names []string
		for _, o := range remains.Objects {
			if o.Namespace == namespace {
				names = append(names, strings.ToLower(string(o.Kind))+"/"+o.Name)
			}
		}
		fmt.Fprintf(env.ErrOut, "%s in namespace %s: %s\n", fate, namespace, strings.Join(names, ", "))
	}
	if remains.Source != "" {
		fmt.Fprintf(env.ErrOut, "stays with the credentials: %s\n", remains.Source)
	}
}

func namespacesOf(remains *inventory.Remains) []string {
	var namespaces []string
	for _, o := range remains.Objects {
		namespaces = append(namespaces, o.Namespace)
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// findDefinition reads the Connection of the namespace, or the
// ClusterConnection.
func findDefinition(ctx context.Context, env *environment, r client.Reader, cluster bool, name string) (client.Object, error) {
	if cluster {
		return inventory.Find(ctx, r, "", name)
	}
	namespace, err := env.currentNamespace()
	if err != nil {
		return nil, err
	}
	return inventory.Find(ctx, r, namespace, name)
}
