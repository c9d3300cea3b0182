// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

// commands are the sub-commands, each in a file of its own.
var commands = []func(*environment) *cobra.Command{
	newSupportTypesCommand,
	newCreateCommand,
	newListCommand,
	newShowCommand,
	newUpdateCommand,
	newDeleteCommand,
	newWaitCommand,
	newRefreshCommand,
	newDocsCommand,
	newExplainCommand,
	newValidateCommand,
	newDoctorCommand,
	newFeaturesCommand,
	newUseCommand,
	newUnuseCommand,
	newLogsCommand,
	newInjectCommand,
}
