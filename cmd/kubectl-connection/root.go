// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// environment is what every command works with: kubectl's flags, and streams.
type environment struct {
	genericiooptions.IOStreams
	flags *genericclioptions.ConfigFlags
}

// newRoot returns the command with all its sub-commands.
func newRoot(streams genericiooptions.IOStreams) *cobra.Command {
	env := &environment{IOStreams: streams, flags: genericclioptions.NewConfigFlags(true)}
	root := &cobra.Command{
		Use:   "kubectl-connection",
		Short: "Connect workloads to services",
		Annotations: map[string]string{
			cobra.CommandDisplayNameAnnotation: "kubectl connection",
		},
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	env.flags.AddFlags(root.PersistentFlags())
	for _, command := range commands {
		root.AddCommand(command(env))
	}
	return root
}

// config returns the client configuration that the flags choose.
func (e *environment) config() (*rest.Config, error) {
	config, err := e.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w; name a kubeconfig with --kubeconfig", err)
	}
	return config, nil
}

// clients returns a client of Kubernetes' own kinds and one of ours.
func (e *environment) clients() (kubernetes.Interface, client.Client, error) {
	config, err := e.config()
	if err != nil {
		return nil, nil, err
	}
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, nil, err
	}
	ours, err := client.New(config, client.Options{Scheme: scheme})
	return typed, ours, err
}

// namespace returns the namespace that the flags or the kubeconfig choose.
func (e *environment) namespace() (string, error) {
	namespace, _, err := e.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}
