// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/inventory"
)

// newListCommand lists the connections that a namespace can use.
func newListCommand(env *environment) *cobra.Command {
	var output string
	var everywhere bool
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the connections that a namespace can use",
		Long: `List the connections that a namespace can use: its own, and the ClusterConnections
that serve it. A Connection hides a ClusterConnection of the same name.

STATUS is Ready where pods can be given the connection, and else the reason why not
(kubectl connection show NAME says more). MADE says whether what holds its settings is
in the namespace already; it is made for the first workload that asks. WORKLOADS counts
what asks for it.

With -A every definition of the cluster is listed once, and MADE counts namespaces.`,
		Example: `  # what can my workloads use?
  kubectl connection list

  # every definition of the cluster
  kubectl connection list -A

  # with the workloads' names and the reasons in full
  kubectl connection list -n shop -o wide

  # for programs
  kubectl connection list -n shop -o json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			typed, objects, err := env.connect()
			if err != nil {
				return err
			}
			namespace := ""
			if !everywhere {
				if namespace, err = env.currentNamespace(); err != nil {
					return err
				}
			}
			list, err := inventory.List(command.Context(), objects, namespace)
			if err != nil {
				return clearly(err)
			}
			env.warnWithoutWebhook(command.Context(), typed)
			return printList(env, list, namespace, output)
		},
	}
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "List every definition of the cluster")
	addOutputFlag(command, &output, "wide", "json", "yaml", "name")
	return command
}

func printList(env *environment, list *inventory.Listing, namespace, output string) error {
	printNotes(env, list.Notes)
	switch {
	case output != "" && output != "wide":
		return printData(env.Out, output, list, resourceNames(list))
	case len(list.Connections) > 0:
		return printListTable(env, list, namespace, output == "wide")
	case namespace == "":
		fmt.Fprintln(env.ErrOut, "No connections in the cluster; kubectl connection create makes one.")
	default:
		fmt.Fprintf(env.ErrOut, "No connections for namespace %s; kubectl connection create makes one.\n", namespace)
	}
	return nil
}

func printNotes(env *environment, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(env.ErrOut, "note:", note)
	}
}

func resourceNames(list *inventory.Listing) []string {
	var names []string
	for _, c := range list.Connections {
		names = append(names, strings.ToLower(c.Kind)+".serviceconnector.dev/"+c.Name)
	}
	return names
}

func printListTable(env *environment, list *inventory.Listing, namespace string, wide bool) error {
	table, colours := newTable(env.Out), coloursOf(env.Out)
	header := "NAME\tKIND\tSERVICE\tAUTH\tCLIENT\tREADY\t" + colours.paint(plain, "REASON") + "\tMADE\tWORKLOADS"
	if !wide {
		header = "NAME\tSERVICE\tAUTH\t" + colours.paint(plain, "STATUS") + "\tMADE\tWORKLOADS"
	}
	if namespace == "" {
		header = "NAMESPACE\t" + header
	}
	fmt.Fprintln(table, header)
	for _, c := range list.Connections {
		fmt.Fprintln(table, strings.Join(listCells(c, colours, namespace, wide), "\t"))
	}
	return table.Flush()
}

func listCells(c inventory.Connection, colours palette, namespace string, wide bool) []string {
	var cells []string
	if namespace == "" {
		cells = append(cells, orDash(c.Namespace))
	}
	provisioned := fmt.Sprint(len(c.Provisioned))
	if namespace != "" {
		provisioned = map[bool]string{true: "yes", false: "no"}[len(c.Provisioned) > 0]
	}
	if !wide {
		return append(cells, c.Name, c.Service, c.Auth, colours.reason(c.Reason), provisioned, fmt.Sprint(len(c.Workloads)))
	}
	var workloads []string
	for _, w := range c.Workloads {
		name := w.String()
		if namespace == "" {
			name = w.Namespace + ":" + name
		}
		workloads = append(workloads, name)
	}
	return append(cells, c.Name, c.Kind, c.Service, c.Auth, c.Client, c.Ready, colours.reason(c.Reason), provisioned, orDash(strings.Join(workloads, ",")))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// completeNames completes the names of the connections that the namespace can
// use.
func (e *environment) completeNames(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	_, objects, err := e.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	namespace, err := e.currentNamespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := inventory.Names(command.Context(), objects, namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
