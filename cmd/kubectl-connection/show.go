// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"serviceconnector.dev/pkg/connections/inventory"
)

// shown is what show prints for programs.
type shown struct {
	*inventory.Details
	Values map[string]string `json:"values,omitempty"`
}

// newShowCommand shows one connection.
func newShowCommand(env *environment) *cobra.Command {
	var output, home string
	var values bool
	command := &cobra.Command{
		Use:     "show NAME",
		Aliases: []string{"get", "describe"},
		Short:   "Show one connection: what it is, what was made for it, who uses it",
		Long: `Show what a connection is in a namespace: its definition, whether it is ready, the
objects that it needs there and their state, the names of the settings that an
application gets, the workloads that ask for it, and recent events that speak of it.

An object is Current if it was made from this definition, Outdated if from an earlier
state of it, Missing if no workload has asked yet, and Foreign if one of its name is
there that was not made for this connection.

Values of settings are shown only with --show-values, which reads the Secret and so
needs the right to do that.`,
		Example: `  # what is orders-db, here?
  kubectl connection show orders-db -n shop

  # with the values of its settings
  kubectl connection show orders-db -n shop --show-values

  # for programs
  kubectl connection show orders-db -n shop -o yaml`,
		Args:              oneName("show"),
		ValidArgsFunction: env.completeNames,
		RunE: func(command *cobra.Command, args []string) error {
			_, objects, err := env.connect()
			if err != nil {
				return err
			}
			namespace, err := env.currentNamespace()
			if err != nil {
				return err
			}
			details, err := inventory.Show(command.Context(), objects, namespace, args[0], home)
			if err != nil {
				return clearly(err)
			}
			result := shown{Details: details}
			if values {
				if result.Values, err = inventory.Values(command.Context(), objects, details); err != nil {
					return clearly(err)
				}
			}
			if output != "" {
				return printData(env.Out, output, result, []string{strings.ToLower(details.Kind) + ".serviceconnector.dev/" + details.Name})
			}
			printNotes(env, details.Notes)
			return printDetails(env.Out, coloursOf(env.Out), result)
		},
	}
	command.Flags().BoolVar(&values, "show-values", false, "Read the Secret and show the values of the settings, credentials included")
	command.Flags().StringVar(&home, "system-namespace", defaultHome, "The namespace of Service Connector, where the credentials of a ClusterConnection are")
	addOutputFlag(command, &output, "json", "yaml", "name")
	return command
}

// oneName wants exactly one name.
func oneName(verb string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New(verb + " needs the name of one connection; kubectl connection list shows those there are")
		}
		return nil
	}
}

func printDetails(out io.Writer, colours palette, d shown) error {
	if err := printDefinition(out, colours, d); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nObjects in namespace %s:\n", d.In)
	table := newTable(out)
	for _, object := range d.Objects {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", colours.state(object.State), object.Kind, object.Name)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	printSettings(out, d)
	printConsumers(out, d)
	printEvents(out, d.Events)
	return nil
}

func printDefinition(out io.Writer, colours palette, d shown) error {
	table := newTable(out)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s:\t%s\n", name, value)
		}
	}
	line("Name", d.Name)
	line("Kind", d.Kind)
	line("Service", d.Service)
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		line("  "+name, d.Parameters[name])
	}
	line("Auth", d.Auth)
	line("Client", d.Client)
	line("Credentials", d.Source)
	line("Serves", d.Serves)
	ready := colours.paint(green, d.Ready)
	if d.Ready != "True" {
		ready = colours.paint(red, d.Ready+" ("+d.Reason+")")
	}
	line("Ready", ready)
	if err := table.Flush(); err != nil {
		return err
	}
	if d.Ready != "True" && d.Message != "" {
		fmt.Fprintln(out, "  "+wrapText(d.Message, textWidth-2, "  "))
	}
	return nil
}

func printSettings(out io.Writer, d shown) {
	fmt.Fprintln(out, "\nSettings:")
	names := d.Settings
	if d.Values != nil {
		names = slices.Sorted(maps.Keys(d.Values))
	}
	for _, name := range names {
		if value, ok := d.Values[name]; ok {
			fmt.Fprintf(out, "  %s=%s\n", name, value)
			continue
		}
		fmt.Fprintln(out, "  "+name)
	}
}

func printConsumers(out io.Writer, d shown) {
	fmt.Fprintf(out, "\nUsed by %s and %s", counted(len(d.Workloads), "workload"), counted(d.Pods, "pod"))
	if d.OldPods > 0 {
		fmt.Fprintf(out, "; given to %s in an earlier state, which a rollout changes", counted(d.OldPods, "pod"))
	}
	fmt.Fprintln(out)
	for _, w := range d.Workloads {
		fmt.Fprintln(out, "  "+w.String())
	}
}

func printEvents(out io.Writer, events []inventory.Event) {
	if len(events) == 0 {
		return
	}
	fmt.Fprintln(out, "\nEvents:")
	for _, e := range events {
		fmt.Fprintf(out, "  %s ago  %s  %s  %s\n    %s\n", duration.HumanDuration(time.Since(e.Time)), e.Type, e.Reason, e.Object,
			wrapText(e.Message, textWidth-4, "    "))
	}
}
