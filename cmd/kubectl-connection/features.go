// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/azure/features"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// newFeaturesCommand looks at the features of an AKS cluster, and switches them on.
func newFeaturesCommand(env *environment) *cobra.Command {
	f := featuresCommand{env: env}
	command := &cobra.Command{
		Use:   "features",
		Short: "Check what the AKS cluster has switched on, and switch on what connections need",
		Long: `Check the features of an AKS cluster that connections need, in Azure:

  oidc-issuer        federated credentials, for auth.type WorkloadIdentity
  workload-identity  tokens in pods, for auth.type WorkloadIdentity; needs oidc-issuer
  key-vault          the add-on azureKeyvaultSecretsProvider, for auth.type KeyVaultCSI

Nothing is changed without --enable, which asks first, and nothing is ever switched
off. Azure is asked as whoever is logged in (az login), or whom the environment names.
The cluster and its cloud are those that the webhook was installed for (azure.cluster),
unless flags name others.

Exit status: 0 all is well, 1 it could not be checked or changed, 2 connections need
what is off.`,
		Example: `  # what is on
  kubectl connection features

  # what would change
  kubectl connection features --enable workload-identity,key-vault --dry-run

  # switch it on, which takes minutes
  kubectl connection features --enable workload-identity,key-vault --yes

  # another cluster, for programs
  kubectl connection features --azure-cluster $CLUSTER_ID -o json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return clearly(f.run(command.Context()))
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&f.enable, "enable", nil, "Features to switch on: "+strings.Join(features.Names, ", "))
	flags.BoolVar(&f.dryRun, "dry-run", false, "Only say what --enable would change")
	flags.BoolVarP(&f.yes, "yes", "y", false, "Do not ask")
	flags.StringVar(&f.home, "system-namespace", defaultHome, "The namespace of Service Connector")
	flags.StringVar(&f.azure.Cluster, "azure-cluster", "", "Resource id of the cluster")
	flags.StringVar(&f.azure.Cloud, "azure-cloud", "", "Azure cloud: AzurePublic, AzureUSGovernment, AzureChina")
	flags.StringVar(&f.azure.Authority, "azure-authority-host", "", "URL of Entra ID in a cloud that is none of these")
	flags.StringVar(&f.azure.ResourceManager, "azure-resource-manager", "", "URL of Azure Resource Manager in a cloud that is none of these")
	addOutputFlag(command, &f.output, "json", "yaml", "name")
	_ = command.RegisterFlagCompletionFunc("enable", cobra.FixedCompletions(slices.Clone(features.Names), cobra.ShellCompDirectiveNoFileComp))
	return command
}

// featuresCommand is the command as its flags say.
type featuresCommand struct {
	env          *environment
	azure        azure.Config
	enable       []string
	dryRun, yes  bool
	home, output string
}

// neededFeature is a feature, and how many connections of this cluster need it; -1
// where that cannot be told.
type neededFeature struct {
	features.Feature
	Connections int `json:"connections"`
}

func (f *featuresCommand) run(ctx context.Context) error {
	if f.dryRun && len(f.enable) == 0 {
		return errors.New("--dry-run goes with --enable")
	}
	uses, err := f.look(ctx)
	if err != nil {
		return err
	}
	f.azure.TryTime = time.Minute                              // Azure checks a change before it answers
	client, err := azure.New(f.azure, version, logr.Discard()) // a command says itself what is wrong
	if err != nil {
		return err
	}
	cluster, err := features.Read(ctx, client)
	if err != nil {
		return explainAzure("reading the cluster "+f.azure.Cluster, err)
	}
	if len(f.enable) > 0 {
		if err := f.switchOn(ctx, cluster); err != nil || f.dryRun {
			return err
		}
	}
	return f.print(cluster.Features(), uses)
}

// switchOn has features switched on.
func (f *featuresCommand) switchOn(ctx context.Context, cluster *features.Cluster) error {
	changed, err := cluster.Enable(f.enable)
	if err != nil {
		return err
	}
	switch {
	case len(changed) == 0:
		fmt.Fprintf(f.env.ErrOut, "cluster %q has that on already\n", cluster.Name())
		return nil
	case f.dryRun:
		fmt.Fprintf(f.env.Out, "cluster %q would get: %s\n", cluster.Name(), strings.Join(changed, ", "))
		return nil
	}
	if sure, err := f.sure(cluster.Name(), changed); err != nil || !sure {
		return err
	}
	err = cluster.Write(ctx, func(state string, since time.Duration) {
		fmt.Fprintf(f.env.ErrOut, "%s cluster %q, for %s ...\n", strings.ToLower(state), cluster.Name(), since.Round(time.Second))
	})
	var busy *features.Busy
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("nothing was changed: %w; wait for that: az aks wait --updated --ids %s", err, f.azure.Cluster)
	case errors.Is(err, features.ErrChanged):
		return fmt.Errorf("nothing was changed: %w; look at it, and try again", err)
	case ctx.Err() != nil:
		return fmt.Errorf("not waited for: the change goes on in Azure; see kubectl connection features")
	case err != nil:
		return explainAzure("switching on "+strings.Join(changed, ", "), err)
	}
	fmt.Fprintf(f.env.ErrOut, "switched on: %s\n", strings.Join(changed, ", "))
	return nil
}

// sure asks, unless --yes was said.
func (f *featuresCommand) sure(cluster string, changed []string) (bool, error) {
	if f.yes {
		return true, nil
	}
	if _, ok := f.env.terminal(); !ok {
		return false, errors.New("nothing was changed: add --yes, as there is no terminal to ask at")
	}
	return f.env.confirm(fmt.Sprintf("Switch on %s in cluster %q? It cannot be switched off from here", strings.Join(changed, ", "), cluster))
}

// print shows features, and how many connections need them. That some need what is off
// is an exit status of its own.
func (f *featuresCommand) print(all []features.Feature, uses map[v1alpha1.AuthType]int) error {
	var needed []neededFeature
	var lacking []string
	for _, feature := range all {
		n := neededFeature{Feature: feature}
		for _, auth := range feature.NeededFor {
			n.Connections += uses[auth]
		}
		if uses == nil {
			n.Connections = -1
		}
		if !n.Enabled && n.Connections > 0 {
			lacking = append(lacking, n.Name)
		}
		needed = append(needed, n)
	}
	var err error
	if f.output == "" {
		err = printFeatures(f.env.Out, needed)
	} else {
		err = printData(f.env.Out, f.output, map[string]any{"features": needed}, names(needed))
	}
	if err != nil || len(lacking) == 0 {
		return err
	}
	fmt.Fprintf(f.env.ErrOut, "warning: connections need what is off; kubectl connection features --enable %s\n", strings.Join(lacking, ","))
	return &exitError{code: exitFindings}
}

func printFeatures(out io.Writer, all []neededFeature) error {
	table := newTable(out)
	fmt.Fprintln(table, "FEATURE\tSTATE\tCONNECTIONS\tDETAIL")
	for _, n := range all {
		state, count := "off", "?"
		if n.Enabled {
			state = "on"
		}
		if n.Connections >= 0 {
			count = strconv.Itoa(n.Connections)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", n.Name, state, count, n.Detail)
	}
	return table.Flush()
}

// names returns the names of the features that are on.
func names(all []neededFeature) []string {
	var on []string
	for _, n := range all {
		if n.Enabled {
			on = append(on, n.Name)
		}
	}
	return on
}
