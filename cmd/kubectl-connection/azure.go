// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/diagnose"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// look reads what the cluster says: where it is in Azure, as far as no flag does, and
// how many connections there are of each way to authenticate; nil where that cannot be
// told. Without a cluster at hand the flags do.
func (f *featuresCommand) look(ctx context.Context) (map[v1alpha1.AuthType]int, error) {
	_, objects, err := f.env.connect()
	if err == nil {
		err = f.installed(ctx, objects)
	}
	switch {
	case f.azure.Cluster == "" && err != nil:
		return nil, clearly(err)
	case f.azure.Cluster == "":
		return nil, errors.New("the webhook was not installed for a cluster in Azure; name it with --azure-cluster (az aks show --query id prints it)")
	case err != nil:
		return nil, nil
	}
	return authTypes(ctx, objects), nil
}

// installed takes over what the webhook was installed with.
func (f *featuresCommand) installed(ctx context.Context, objects client.Reader) error {
	args, err := diagnose.ReadArguments(ctx, objects, f.home)
	if err != nil {
		return err
	}
	for name, setting := range map[string]*string{
		"--azure-cluster": &f.azure.Cluster, "--azure-cloud": &f.azure.Cloud,
		"--azure-authority-host": &f.azure.Authority, "--azure-resource-manager": &f.azure.ResourceManager,
	} {
		*setting = cmp.Or(*setting, args[name])
	}
	return nil
}

// authTypes counts the connections of the cluster by how they authenticate.
func authTypes(ctx context.Context, objects client.Reader) map[v1alpha1.AuthType]int {
	var own v1alpha1.ConnectionList
	var shared v1alpha1.ClusterConnectionList
	if objects.List(ctx, &own) != nil || objects.List(ctx, &shared) != nil {
		return nil
	}
	uses := map[v1alpha1.AuthType]int{}
	for _, c := range own.Items {
		uses[c.Spec.Auth.Type]++
	}
	for _, c := range shared.Items {
		uses[c.Spec.Auth.Type]++
	}
	return uses
}

// explainAzure says what a person can do about an error of Azure.
func explainAzure(doing string, err error) error {
	reason, said := azure.Said(err)
	hint := "try again"
	switch {
	case reason == v1alpha1.ReasonAzureForbidden:
		hint = "log in (az login) as somebody with the role Azure Kubernetes Service Contributor on the cluster"
	case reason == v1alpha1.ReasonAzureNotFound:
		hint = "correct --azure-cluster (az aks show --query id prints it)"
	case azure.Refused(err):
		hint = "mend what it names, and try again"
	case reason == v1alpha1.ReasonAzureUnreachable:
		hint = "see your network, its proxy and certificates, and try again"
	}
	return fmt.Errorf("%s: %s; %s", doing, said, hint)
}
