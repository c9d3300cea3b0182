// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
)

// newSupportTypesCommand lists what can be connected to.
func newSupportTypesCommand(env *environment) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "support-types [SERVICE]",
		Short: "List the services, how to authenticate to them, and what an application gets",
		Long: `List the services that a connection can reach.

Without a name: every service of the catalogue, with the ways to authenticate and
the client types that have settings of their own; every other client type gets
those of "none". With the name of a service: its parameters, and the settings that
an application gets for each way to authenticate and each client type.

The catalogue is part of this program; no cluster is asked.`,
		Example: `  # every service
  kubectl connection support-types

  # what postgres-flexible needs and gives
  kubectl connection support-types postgres-flexible

  # the same, for programs
  kubectl connection support-types postgres-flexible -o json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeServices,
		RunE: func(_ *cobra.Command, args []string) error {
			selected := catalogue.Services()
			if len(args) == 1 {
				service, err := findService(args[0])
				if err != nil {
					return err
				}
				selected = []*catalogue.Service{service}
			}
			switch {
			case output != "":
				return printData(env.Out, output, selected, serviceNames(selected))
			case len(args) == 1:
				return printService(env.Out, selected[0])
			}
			return printServices(env.Out, selected)
		},
	}
	addOutputFlag(command, &output, "json", "yaml", "name")
	return command
}

// findService looks a service up, and suggests others for one that there is not.
func findService(key string) (*catalogue.Service, error) {
	if service, ok := catalogue.Lookup(key); ok {
		return service, nil
	}
	return nil, fmt.Errorf("there is no service %q; the nearest are %s, and custom takes any settings (kubectl connection support-types)",
		key, strings.Join(catalogue.Nearest(key, 3), ", "))
}

func completeServices(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var keys []string
	for _, service := range catalogue.Services() {
		keys = append(keys, service.Key+"\t"+service.Name)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

func serviceNames(services []*catalogue.Service) []string {
	var names []string
	for _, service := range services {
		names = append(names, service.Key)
	}
	return names
}

func printServices(out io.Writer, services []*catalogue.Service) error {
	table := newTable(out)
	fmt.Fprintln(table, "SERVICE\tAUTH\tCLIENTS")
	for _, service := range services {
		auth := strings.Join(samples.AuthTypes(service), ",")
		lines := wrapList(service.ClientTypes(), 32)
		fmt.Fprintf(table, "%s\t%s\t%s\n", service.Key, auth, lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(table, "\t\t%s\n", line)
		}
	}
	return table.Flush()
}

func printService(out io.Writer, service *catalogue.Service) error {
	fmt.Fprintf(out, "%s: %s\n", service.Key, service.Name)
	if service.Note != "" {
		fmt.Fprintf(out, "\n%s\n", wrapText(service.Note, textWidth, ""))
	}
	if names := service.Parameters(); len(names) > 0 {
		fmt.Fprintln(out, "\nParameters (not every row below needs all of them):")
		table := newTable(out)
		for _, name := range names {
			fmt.Fprintf(table, "  %s\t%s\n", name, describeParameter(service, name))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, row := range service.Rows {
		if err := printRow(out, row); err != nil {
			return err
		}
	}
	return nil
}

func describeParameter(service *catalogue.Service, name string) string {
	text := catalogue.Description(name)
	if value, ok := service.Default(name); ok {
		text += fmt.Sprintf(" (default %q)", value)
	}
	return text
}

func printRow(out io.Writer, row catalogue.Row) error {
	clients := strings.Join(row.Clients, ", ")
	if row.Default {
		clients += " and all without settings of their own"
	}
	fmt.Fprintf(out, "\n%s, for %s:\n", row.Auth, clients)
	table := newTable(out)
	for _, setting := range row.Settings {
		text := setting.Description
		if setting.Secret {
			text += " (credential)"
		}
		fmt.Fprintf(table, "  %s\t%s\n", setting.Name, text)
	}
	return table.Flush()
}
