// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newDocsCommand writes docs/cli.md. It is for make generate, and hidden.
func newDocsCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:    "docs",
		Short:  "Write the reference of all commands as Markdown",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := io.WriteString(env.Out, reference(command.Root()))
			return err
		},
	}
}

const docsHeader = `<!-- Generated from the commands by make generate; change those instead. -->

# kubectl connection

The kubectl plugin of Service Connector for Kubernetes. Put ` + "`kubectl-connection`" + ` into a
folder of your PATH, and ` + "`kubectl connection`" + ` is there. With an executable
` + "`kubectl_complete-connection`" + ` beside it, which runs ` + "`kubectl connection __complete \"$@\"`" + `,
kubectl completes its commands, flags and the names of connections.

Exit statuses: 0, it worked; 1, it did not, and the last line says why and what to do; 2, it
worked and found something wrong (explain, validate, doctor).

There are colours on a terminal only; ` + "`NO_COLOR=1`" + ` turns them off.
`

// reference returns the documentation of a command and its sub-commands.
func reference(root *cobra.Command) string {
	var text strings.Builder
	text.WriteString(docsHeader)
	text.WriteString("\n| command | |\n| --- | --- |\n")
	for _, command := range documented(root) {
		fmt.Fprintf(&text, "| [%s](#kubectl-connection-%s) | %s |\n", command.Name(), command.Name(), command.Short)
	}
	for _, command := range documented(root) {
		describeCommand(&text, command)
	}
	text.WriteString("\n## Flags of every command\n\nThey are kubectl's.\n\n| flag | |\n| --- | --- |\n")
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { describeFlag(&text, flag, "") })
	return text.String()
}

// documented returns the commands that the reference speaks of: not cobra's own.
func documented(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, command := range root.Commands() {
		if !command.Hidden && command.Name() != "help" && command.Name() != "completion" {
			all = append(all, command)
		}
	}
	return all
}

func describeCommand(text *strings.Builder, command *cobra.Command) {
	fmt.Fprintf(text, "\n## kubectl connection %s\n\n%s\n", command.Name(), command.Long)
	fmt.Fprintf(text, "\n```\nkubectl connection %s [flags]\n```\n", command.Use)
	if command.Example != "" {
		fmt.Fprintf(text, "\n```sh\n%s\n```\n", unindented(command.Example))
	}
	if len(command.Aliases) > 0 {
		fmt.Fprintf(text, "\nAlso: %s.\n", strings.Join(command.Aliases, ", "))
	}
	if command.LocalNonPersistentFlags().HasAvailableFlags() {
		text.WriteString("\n| flag | |\n| --- | --- |\n")
		command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) { describeFlag(text, flag, flag.DefValue) })
	}
}

// describeFlag writes a flag as a row. The defaults of kubectl's flags name
// folders of whoever runs this, so that those are left out.
func describeFlag(text *strings.Builder, flag *pflag.Flag, value string) {
	if flag.Hidden || flag.Name == "help" {
		return
	}
	name := "--" + flag.Name
	if flag.Shorthand != "" {
		name = "-" + flag.Shorthand + ", " + name
	}
	usage := strings.ReplaceAll(flag.Usage, "|", `\|`)
	switch value {
	case "", "false", "[]", "0", "0s":
	default:
		usage += fmt.Sprintf(" (default `%s`)", value)
	}
	fmt.Fprintf(text, "| `%s` | %s |\n", name, usage)
}

func unindented(example string) string {
	lines := strings.Split(example, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
