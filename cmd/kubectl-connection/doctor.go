// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/diagnose"
)

// newDoctorCommand checks the installation.
func newDoctorCommand(env *environment) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check the installation of Service Connector in the cluster",
		Long: `Check the installation of Service Connector in the cluster.

Looked at are the server's version, the CRDs, the webhook configuration against the
one that was shipped, its caBundle, whether the webhook can be reached, whether it
comes before azure-workload-identity, the terms that AKS adds to selectors, the
rights of its service account, and all pods that carry the annotation but were not
injected.

It reads only. What you have no right to read is a warning.
Exit status: 0 all is well, 1 it could not be checked, 2 something is wrong.`,
		Example: `  # the cluster of the current context
  kubectl connection doctor

  # for programs
  kubectl connection doctor -o json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			typed, objects, err := env.connect()
			if err != nil {
				return err
			}
			world := diagnose.Cluster{Client: objects, Discovery: typed.Discovery()}
			if _, err := world.Version(); err != nil { // without the server all else is noise
				return clearly(err)
			}
			return env.report("CHECK", output, diagnose.Doctor(command.Context(), world, time.Now()))
		},
	}
	addOutputFlag(command, &output, "json", "yaml", "name")
	return command
}
