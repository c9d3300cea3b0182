// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/draft"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// newUpdateCommand changes a definition.
func newUpdateCommand(env *environment) *cobra.Command {
	var flags definitionFlags
	var write writeFlags
	var unset []string
	command := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a connection; what is not named stays",
		Long: `Change the definition of a connection. What no flag names stays as it is.

New credentials (--credentials-file, --from-stdin) go into the Secret that the
connection refers to; keys that they do not name stay. The service and the way to
authenticate cannot be changed: create another connection for that.

Pods keep what they were given until they are rolled.`,
		Example: `  # another database
  kubectl connection update orders-db --set database=orders2

  # another password
  kubectl connection update orders-db --credentials-file=orders.env

  # for another team
  kubectl connection update reports-db --cluster --allow team=finance`,
		Args:              oneName("update"),
		ValidArgsFunction: env.completeNames,
		RunE: func(command *cobra.Command, args []string) error {
			u := update{env: env, flags: &flags, write: &write, unset: unset}
			return forFlags(clearly(u.run(command.Context(), args[0])))
		},
	}
	flags.add(command)
	command.Flags().BoolVar(&flags.cluster, "cluster", false, "Change the ClusterConnection of that name")
	command.Flags().StringArrayVar(&unset, "unset", nil, "A parameter of the target to remove; may be repeated")
	write.add(command)
	return command
}

// update is a change as its flags say.
type update struct {
	env   *environment
	flags *definitionFlags
	write *writeFlags
	unset []string
}

func (u *update) run(ctx context.Context, name string) error {
	if len(u.flags.allow) > 0 && !u.flags.cluster {
		return errors.New("--allow goes with --cluster: a Connection serves its own namespace")
	}
	credentials, err := u.flags.readCredentials(u.env.In)
	if err != nil {
		return err
	}
	_, objects, err := u.env.connect()
	if err != nil {
		return err
	}
	object, err := findDefinition(ctx, u.env, objects, u.flags.cluster, name)
	if err != nil {
		return err
	}
	changed, err := u.change(object)
	if err != nil {
		return err
	}
	switch u.write.dryRun {
	case dryRunClient:
		return printObject(u.write.printer("updated"), definition(changed), u.env.Out)
	case dryRunServer:
		objects = client.NewDryRunClient(objects)
	}
	if credentials != nil {
		if err := u.writeCredentials(ctx, objects, changed.Binding, credentials); err != nil {
			return err
		}
	}
	if err := objects.Update(ctx, definition(changed)); err != nil {
		return updateError(err, name)
	}
	return printObject(u.write.printer("updated"), definition(changed), u.env.Out)
}

// change returns the definition with what the flags say. What it then means is
// checked.
func (u *update) change(object client.Object) (*draft.Objects, error) {
	result := &draft.Objects{}
	var spec *v1alpha1.ConnectionSpec
	d := &draft.Draft{}
	switch c := copyOf(object).(type) {
	case *v1alpha1.Connection:
		result.Connection, spec = c, &c.Spec
	case *v1alpha1.ClusterConnection:
		result.ClusterConnection, spec = c, &c.Spec.ConnectionSpec
	}
	d.Spec = *spec
	if err := u.flags.apply(d); err != nil {
		return nil, err
	}
	for _, name := range u.unset {
		if _, ok := d.Spec.Target.Parameters[name]; !ok {
			return nil, fmt.Errorf("--unset %s: there is no such parameter", name)
		}
		delete(d.Spec.Target.Parameters, name)
	}
	*spec = d.Spec
	if d.Allowed != nil {
		result.ClusterConnection.Spec.AllowedNamespaces = *d.Allowed
	}
	var err error
	result.Binding, err = connections.Bind(connections.Definition{Name: object.GetName(), Namespace: object.GetNamespace(), Spec: *spec})
	return result, err
}

// writeCredentials puts new values into the Secret of the definition, and makes
// it if it is not there.
func (u *update) writeCredentials(ctx context.Context, objects client.Client, b *connections.Binding, credentials map[string]string) error {
	ref := b.Definition.Spec.Auth.SecretRef
	if ref == nil {
		return errors.New("this connection has no Secret with credentials; leave --credentials-file and --from-stdin out, or add --secret-name")
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: ref.Name, Namespace: b.Definition.Namespace}}
	if u.flags.cluster {
		secret.Namespace = u.flags.home
	}
	err := objects.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		secret.StringData = credentials
		return objects.Create(ctx, secret)
	}
	if err != nil {
		return err
	}
	if secret.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy {
		return fmt.Errorf("the Secret %q was made by Service Connector and is no place for credentials; name another one with --secret-name", secret.Name)
	}
	secret.StringData = credentials
	return objects.Update(ctx, secret)
}

// updateError says what to do about a change that the cluster did not take.
func updateError(err error, name string) error {
	switch {
	case apierrors.IsConflict(err):
		return fmt.Errorf("connection %q was changed by somebody else meanwhile; try again", name)
	case apierrors.IsInvalid(err):
		return fmt.Errorf("the cluster does not take the change: %s", strings.TrimSpace(err.Error()))
	}
	return err
}
