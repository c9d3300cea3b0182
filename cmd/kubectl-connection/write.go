// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/draft"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// writeFlags say whether a command really writes, and what it prints.
type writeFlags struct {
	dryRun, output string
}

const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

func (w *writeFlags) add(command *cobra.Command) {
	command.Flags().StringVar(&w.dryRun, "dry-run", dryRunNone, "none; client: only print what would be written; server: have the cluster check it, too")
	_ = command.RegisterFlagCompletionFunc("dry-run", cobra.FixedCompletions([]string{dryRunNone, dryRunClient, dryRunServer}, cobra.ShellCompDirectiveNoFileComp))
	addOutputFlag(command, &w.output, "json", "yaml", "name")
	checkOutput := command.PreRunE
	command.PreRunE = func(command *cobra.Command, args []string) error {
		switch w.dryRun {
		case dryRunNone, dryRunClient, dryRunServer:
			return checkOutput(command, args)
		}
		return fmt.Errorf("--dry-run=%s is not known; use none, client or server", w.dryRun)
	}
}

// definition returns the connection of a draft's objects.
func definition(o *draft.Objects) client.Object {
	if o.ClusterConnection != nil {
		return o.ClusterConnection
	}
	return o.Connection
}

// create makes the objects of a draft, the credentials first. A connection that
// the cluster does not take leaves no Secret behind.
func (w *writeFlags) create(ctx context.Context, env *environment, o *draft.Objects) error {
	if w.dryRun == dryRunClient {
		return w.print(env, o, "created")
	}
	typed, objects, err := env.connect()
	if err != nil {
		return err
	}
	connection := definition(o)
	if err := objects.Create(ctx, copyOf(connection), client.DryRunAll); err != nil {
		return createError(err, connection)
	}
	if w.dryRun == dryRunServer {
		objects = client.NewDryRunClient(objects)
	}
	if o.Credentials != nil {
		if err := objects.Create(ctx, o.Credentials); err != nil {
			return createError(err, o.Credentials)
		}
	}
	if err := objects.Create(ctx, connection); err != nil {
		err = createError(err, connection)
		if o.Credentials != nil {
			err = errors.Join(err, objects.Delete(ctx, o.Credentials))
		}
		return err
	}
	env.warnWithoutWebhook(ctx, typed)
	return w.print(env, o, "created")
}

func copyOf(object client.Object) client.Object {
	return object.DeepCopyObject().(client.Object) //nolint:forcetypeassert // a copy has the type of its original
}

// createError says what to do about an object that is there already.
func createError(err error, object client.Object) error {
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	if kind := kindOf(object); kind == "Secret" {
		return fmt.Errorf("the Secret %q exists in namespace %q; use it as it is with --secret-name=%s and no credentials, or name another one",
			object.GetName(), object.GetNamespace(), object.GetName())
	}
	return fmt.Errorf("%s %q exists; change it with kubectl connection update %s", kindOf(object), object.GetName(), object.GetName())
}

func kindOf(object client.Object) string {
	switch object.(type) {
	case *v1alpha1.Connection:
		return "Connection"
	case *v1alpha1.ClusterConnection:
		return "ClusterConnection"
	}
	return "Secret"
}

// print prints the objects as -o says, or one line for each.
func (w *writeFlags) print(env *environment, o *draft.Objects, verb string) error {
	var all []client.Object
	if o.Credentials != nil {
		all = append(all, o.Credentials)
		if w.output == "yaml" || w.output == "json" {
			fmt.Fprintln(env.ErrOut, "warning: the output holds credentials; encrypt the Secret before you commit it")
		}
	}
	all = append(all, definition(o))
	printer := w.printer(verb)
	for _, object := range all {
		// As kubectl does: a manifest names a namespace only where somebody said so.
		if w.dryRun == dryRunClient && *env.flags.Namespace == "" && o.Connection != nil {
			object.SetNamespace("")
		}
		if err := printObject(printer, object, env.Out); err != nil {
			return err
		}
	}
	return nil
}

func (w *writeFlags) printer(verb string) printers.ResourcePrinter {
	switch w.output {
	case "yaml":
		return &printers.YAMLPrinter{}
	case "json":
		return &printers.JSONPrinter{}
	case "name":
		return &printers.NamePrinter{ShortOutput: true}
	}
	if w.dryRun != dryRunNone {
		verb += " (" + w.dryRun + " dry run)"
	}
	return &printers.NamePrinter{Operation: verb}
}

// printObject prints an object with its kind, which a client leaves out of what
// it returns, and without what only a cluster needs.
func printObject(printer printers.ResourcePrinter, object client.Object, out io.Writer) error {
	printed := copyOf(object)
	kind := v1alpha1.GroupVersion.WithKind(kindOf(object))
	if kind.Kind == "Secret" {
		kind.Group, kind.Version = "", "v1"
	}
	printed.GetObjectKind().SetGroupVersionKind(kind)
	printed.SetManagedFields(nil)
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(printed)
	if err != nil {
		return fmt.Errorf("printing %s %q: %w", kind.Kind, object.GetName(), err)
	}
	return printer.PrintObj(tidied(raw), out)
}

// tidied leaves out what Go writes for a zero value and no person does.
func tidied(raw map[string]any) *unstructured.Unstructured {
	if status, ok := raw["status"].(map[string]any); ok && len(status) == 0 {
		delete(raw, "status")
	}
	if metadata, ok := raw["metadata"].(map[string]any); ok && metadata["creationTimestamp"] == nil {
		delete(metadata, "creationTimestamp")
	}
	return &unstructured.Unstructured{Object: raw}
}
