// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/attach"
	"serviceconnector.dev/pkg/connections/diagnose"
)

// attachOptions are the flags of use and unuse.
type attachOptions struct {
	wait    bool
	timeout time.Duration
	dryRun  string
	force   bool
}

func (o *attachOptions) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.wait, "wait", true, "Wait until the workload has rolled")
	command.Flags().DurationVar(&o.timeout, "timeout", 5*time.Minute, "How long to wait")
	command.Flags().StringVar(&o.dryRun, "dry-run", "none", "none, client (say what would be done) or server (ask the server, too)")
}

func (o *attachOptions) mode() (attach.Mode, error) {
	switch mode := attach.Mode(o.dryRun); mode {
	case attach.Write, attach.DryRunClient, attach.DryRunServer:
		return mode, nil
	}
	return "", fmt.Errorf("--dry-run=%s is not known; use none, client or server", o.dryRun)
}

// newUseCommand adds connections to a workload.
func newUseCommand(env *environment) *cobra.Command {
	var o attachOptions
	command := &cobra.Command{
		Use:   "use NAME... TYPE/WORKLOAD",
		Short: "Give a workload connections",
		Long: `Give a workload connections: set its annotation serviceconnector.dev/connections,
beside the names that are there already, and wait until its pods have rolled.

Where the workload's author wrote the annotation into the pod template, it is
changed there, since the template wins.

A name that the namespace cannot use is an error; --force sets it all the same.
The change is in the cluster only: a GitOps tool may take it back, so put the
annotation into the manifest, too.

Types: deployment, statefulset, daemonset, replicaset, cronjob.`,
		Example: `  # one connection
  kubectl connection use orders-db deployment/orders

  # two, without waiting
  kubectl connection use orders-db receipts deploy/orders -n shop --wait=false

  # what would happen
  kubectl connection use orders-db deployment/orders --dry-run=client`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			return env.attach(command.Context(), args, o, func(names []string) attach.Change { return attach.Change{Add: names} })
		},
	}
	o.addFlags(command)
	command.Flags().BoolVar(&o.force, "force", false, "Set names that the namespace cannot use, too")
	return command
}

// newUnuseCommand takes connections from a workload.
func newUnuseCommand(env *environment) *cobra.Command {
	o := attachOptions{force: true}
	command := &cobra.Command{
		Use:   "unuse NAME... TYPE/WORKLOAD",
		Short: "Take connections from a workload",
		Long: `Take connections from a workload: remove their names from its annotation
serviceconnector.dev/connections, and the annotation with the last one, and wait
until its pods have rolled.

What the connection made in the namespace stays, for others that use it.`,
		Example: `  # one connection
  kubectl connection unuse orders-db deployment/orders

  # what would happen
  kubectl connection unuse orders-db deployment/orders --dry-run=client`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			return env.attach(command.Context(), args, o, func(names []string) attach.Change { return attach.Change{Remove: names} })
		},
	}
	o.addFlags(command)
	return command
}

// attach does the work of use and unuse.
func (e *environment) attach(ctx context.Context, args []string, o attachOptions, change func([]string) attach.Change) error {
	mode, err := o.mode()
	if err != nil {
		return err
	}
	namespace, err := e.namespace()
	if err != nil {
		return clearly(err)
	}
	names, last := args[:len(args)-1], args[len(args)-1]
	target, err := diagnose.ParseTarget(namespace, last)
	if err != nil {
		return err
	}
	typed, objects, err := e.connect()
	if err != nil {
		return err
	}
	if !o.force {
		if err := checkUsable(ctx, objects, namespace, names); err != nil {
			return clearly(err)
		}
	}
	e.warnWithoutWebhook(ctx, typed)
	outcome, err := attach.Apply(ctx, objects, target, change(names), mode)
	if err != nil {
		return clearly(err)
	}
	return e.follow(ctx, objects, target, outcome, mode, o)
}

// checkUsable refuses names that the namespace cannot use. One that is there but
// not ready is left to the server's warning.
func checkUsable(ctx context.Context, objects client.Client, namespace string, names []string) error {
	for _, name := range names {
		finding, err := diagnose.Check(ctx, objects, namespace, name)
		if err != nil {
			return err
		}
		if finding.Result == diagnose.Failure {
			return fmt.Errorf("%s (%s, or use --force)", finding.Detail, finding.Hint)
		}
	}
	return nil
}

// follow says what was done and waits for the rollout.
func (e *environment) follow(ctx context.Context, objects client.Client, target diagnose.Target, outcome attach.Outcome, mode attach.Mode, o attachOptions) error {
	uses := "no connection"
	if len(outcome.Connections) > 0 {
		uses = strings.Join(outcome.Connections, ", ")
	}
	if !outcome.Changed {
		fmt.Fprintf(e.Out, "%s unchanged: it uses %s\n", target, uses)
		return nil
	}
	dry := ""
	if mode != attach.Write {
		dry = " (dry run)"
	}
	effect, rolls := attach.Effect(outcome.Object)
	fmt.Fprintf(e.Out, "%s uses %s, by its %s%s\n%s\n", target, uses, outcome.Where, dry, effect)
	if mode != attach.Write || !rolls || !o.wait {
		return nil
	}
	return e.waitRolled(ctx, objects, target, o.timeout)
}

// quiet is how long a rollout may take before its progress is shown.
const quiet = 2 * time.Second

func (e *environment) waitRolled(ctx context.Context, objects client.Client, target diagnose.Target, timeout time.Duration) error {
	begin, shown, text := time.Now(), "", ""
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, timeout, true, func(context.Context) (done bool, err error) {
		// ctx and not the poll's: near its end the client's rate limiter would fail.
		object := diagnose.NewObject(target.Kind)
		if err := objects.Get(ctx, client.ObjectKey{Namespace: target.Namespace, Name: target.Name}, object); err != nil {
			return false, err
		}
		done, text = attach.Progress(object)
		if !done && text != shown && time.Since(begin) > quiet {
			shown = text
			fmt.Fprintln(e.ErrOut, text)
		}
		return done, nil
	})
	if wait.Interrupted(err) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s has not rolled after %s: %s; see why: kubectl connection explain %s -n %s", target, timeout, text, target, target.Namespace)
	}
	if err != nil {
		return clearly(err)
	}
	fmt.Fprintln(e.Out, "rolled: "+text)
	return nil
}
