// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/draft"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// newCreateCommand writes a definition from the catalogue.
func newCreateCommand(env *environment) *cobra.Command {
	var flags definitionFlags
	var auth string
	var write writeFlags
	command := &cobra.Command{
		Use:   "create SERVICE NAME",
		Short: "Define a connection to a service",
		Long: `Define a connection to a service of the catalogue.

The catalogue says which parameters a service needs for a way to authenticate and a
client type (kubectl connection support-types SERVICE). What is missing is asked for
at a terminal, and named in the error otherwise.

A credential is never an argument. It is in a Secret that exists (--secret-name), or
comes from a file (--credentials-file), from standard input (--from-stdin) or from the
terminal, and is then written to a new Secret beside the connection.

Without --cluster the connection serves its own namespace. With --cluster it is a
ClusterConnection, serves the namespaces that --allow names, and has its credentials
in the namespace of Service Connector.

With --dry-run=client no cluster is asked, and -o yaml prints what would be made, for
a repository.`,
		Example: `  # a database whose password is in a Secret that exists
  kubectl connection create postgres-flexible orders-db --client=python \
    --set server=orders --set database=orders --set user=app --secret-name=orders-db

  # a manifest for a repository, without a cluster
  kubectl connection create storage-blob receipts --auth=WorkloadIdentity \
    --set account=shopreceipts --client-id=11111111-2222-3333-4444-555555555555 \
    --dry-run=client -o yaml

  # for every namespace of the team shop, with the password from a file
  kubectl connection create postgresql reports-db --cluster --allow team=shop \
    --set host=reports.data.svc --set database=reports --set user=app \
    --credentials-file=reports.env

  # a service that the catalogue does not know
  kubectl connection create custom broker --set host=broker.data.svc --set user=app \
    --setting 'BROKER_URL=mqtts://{user|url}:{password|url}@{host}:8883' \
    --secret-name=broker`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("create needs a service and a name: kubectl connection create postgres-flexible orders-db (kubectl connection support-types lists the services)")
			}
			return nil
		},
		ValidArgsFunction: completeServices,
		RunE: func(command *cobra.Command, args []string) error {
			d, service, err := flags.draft(env, args[0], args[1], auth)
			if err != nil {
				return err
			}
			objects, err := d.Objects(service)
			if err != nil {
				return forFlags(err)
			}
			return clearly(write.create(command.Context(), env, objects))
		},
	}
	flags.add(command)
	command.Flags().BoolVar(&flags.cluster, "cluster", false, "Make a ClusterConnection, which serves the namespaces that --allow names")
	command.Flags().StringVar(&auth, "auth", "", "How the application authenticates: Secret, ServicePrincipal, WorkloadIdentity, KeyVaultCSI")
	_ = command.RegisterFlagCompletionFunc("auth", cobra.FixedCompletions(
		[]string{"Secret", "ServicePrincipal", "WorkloadIdentity", "KeyVaultCSI"}, cobra.ShellCompDirectiveNoFileComp))
	write.add(command)
	return command
}

// draft returns a new draft as the flags, and a person at the terminal, say.
func (f *definitionFlags) draft(env *environment, key, name, auth string) (*draft.Draft, *catalogue.Service, error) {
	service, err := findService(key)
	if err != nil {
		return nil, nil, err
	}
	namespace, err := env.currentNamespace()
	if err != nil {
		return nil, nil, err
	}
	if f.cluster != (len(f.allow) > 0) {
		return nil, nil, errors.New("--cluster and --allow go together: --cluster --allow all, or --cluster --allow team=shop")
	}
	d := &draft.Draft{Name: name, Namespace: namespace, Home: f.home}
	d.Spec.Target.Service = service.Key
	d.Spec.Auth.Type = v1alpha1.AuthType(auth)
	if err := f.apply(d); err != nil {
		return nil, nil, err
	}
	if d.Credentials, err = f.readCredentials(env.In); err != nil {
		return nil, nil, err
	}
	d.Settle(service)
	return d, service, env.askNeeds(d, service)
}

// forFlags lets an error of the core speak of flags instead of fields.
func forFlags(err error) error {
	if err == nil {
		return nil
	}
	replacer := strings.NewReplacer(
		"spec.target.parameters: no setting uses", "--set: no setting uses",
		"set spec.target.parameters.", "add --set ",
		"spec.target.resourceID", "--resource-id",
		"spec.target.cloud", "--cloud",
		"spec.rename", "--rename",
		"spec.client:", "--client:",
		"spec.auth.type:", "--auth:",
		"list them in spec.settings", "add --setting NAME=value",
		"spec.settings", "--setting",
		"spec.auth.workloadIdentity.tenantID", "--tenant-id",
		"spec.auth.keyVaultCSI.objects[].variable", "--vault-object",
	)
	if text := replacer.Replace(err.Error()); text != err.Error() {
		return &plainError{text, err}
	}
	return err
}
