// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/diagnose"
)

// newExplainCommand says why a pod was injected, or why it was not.
func newExplainCommand(env *environment) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "explain (POD | TYPE/NAME)",
		Short: "Say why a pod or workload has its connections, or has not",
		Long: `Say why a pod or workload has its connections, or has not.

The way from the annotation to the containers is followed step by step: the
annotation, the namespace, the webhook's configuration, the connection, what it
needs in the namespace, refused pods, and at last the pods themselves. Each step
needs those before it, so that the first one that failed is the cause; it is
repeated at the end, with what to do.

A pod that was refused does not exist. Name its workload, or the pod as the
workload would have named it: the workload's events tell why it was refused.

Types: ` + typesText + `.
Exit status: 0 all is well, 1 it could not be explained, 2 something is wrong.`,
		Example: `  # a workload and its pods
  kubectl connection explain deployment/orders

  # one pod
  kubectl connection explain orders-7c9f8d6b5-x2x4z -n shop

  # for programs
  kubectl connection explain deploy/orders -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			namespace, err := env.namespace()
			if err != nil {
				return clearly(err)
			}
			target, err := diagnose.ParseTarget(namespace, args[0])
			if err != nil {
				return err
			}
			_, objects, err := env.connect()
			if err != nil {
				return err
			}
			explanation, err := diagnose.Explain(command.Context(), objects, target, time.Now())
			if err != nil {
				return clearly(err)
			}
			if output != "" {
				if err := printData(env.Out, output, explanation, []string{explanation.String()}); err != nil {
					return err
				}
			} else {
				printExplanation(env.Out, coloursOf(env.Out), explanation)
			}
			return found(explanation.Findings)
		},
	}
	addOutputFlag(command, &output, "json", "yaml", "name")
	return command
}

// typesText names the types that commands take, for their help.
const typesText = "deployment, statefulset, daemonset, replicaset, job, cronjob, pod"

func printExplanation(out io.Writer, colours palette, e diagnose.Explanation) {
	fmt.Fprintf(out, "%s in namespace %s\n\n", e.Target, e.Namespace)
	printFindings(out, colours, "STEP", e.Findings)
	if e.Cause == nil {
		fmt.Fprintln(out, "\nAll is well.")
		return
	}
	fmt.Fprintf(out, "\n%s\n", wrapText("Cause: "+e.Cause.Check+": "+e.Cause.Detail, textWidth, "       "))
	if e.Cause.Hint != "" {
		fmt.Fprintln(out, wrapText("To do: "+e.Cause.Hint, textWidth, "       "))
	}
}
