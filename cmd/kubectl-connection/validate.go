// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/diagnose"
)

// newValidateCommand checks all that a connection is made of in a namespace.
func newValidateCommand(env *environment) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "validate NAME",
		Short: "Check a connection, what it made in a namespace, and the pods that use it",
		Long: `Check a connection as one namespace has it.

Looked at are the definition, the credentials (whether they are complete, never
their values), the Secret and its keys, the service account and its client id, the
SecretProviderClass and the CSI driver, and the pods that use the connection:
whether they run with its present revision and carry the workload-identity label.

What you have no right to read is a warning.
Exit status: 0 all is well, 1 it could not be checked, 2 something is wrong.`,
		Example: `  # as the namespace shop has it
  kubectl connection validate orders-db -n shop

  # for programs
  kubectl connection validate orders-db -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			namespace, err := env.namespace()
			if err != nil {
				return clearly(err)
			}
			_, objects, err := env.connect()
			if err != nil {
				return err
			}
			findings, err := diagnose.Validate(command.Context(), objects, namespace, args[0])
			if err != nil {
				return clearly(err)
			}
			return env.report("NAME", output, findings)
		},
	}
	addOutputFlag(command, &output, "json", "yaml", "name")
	return command
}

// report prints findings and returns their exit status.
func (e *environment) report(head, output string, findings []diagnose.Finding) error {
	if output == "" {
		printFindings(e.Out, coloursOf(e.Out), head, findings)
		return found(findings)
	}
	var failed []string
	for _, f := range findings {
		if f.Result == diagnose.Failure {
			failed = append(failed, f.Check)
		}
	}
	if err := printData(e.Out, output, map[string]any{"findings": findings}, failed); err != nil {
		return err
	}
	return found(findings)
}
