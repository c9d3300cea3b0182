// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"serviceconnector.dev/test/cluster"
)

const usage = `cluster keeps a Kubernetes control plane running on this machine: etcd, the
API server and the controllers, without nodes. Pods are created and stay
Pending. It needs Go and no containers. The first start builds the binaries,
which takes about 5 minutes; each later one takes seconds.

Usage:

  cluster up [flags]      start it, unless it runs already
  cluster status [flags]  say whether it runs, and where its files are
  cluster down [flags]    end it and remove its files

Try it:

  $ export $(go run ./cluster/cmd/cluster up)
  $ kubectl create deployment web --image=web
  $ kubectl get pods
  $ go run ./cluster/cmd/cluster down

The last line that "up" prints is KUBECONFIG=<path>. Progress goes to standard
error. Ending the terminal does not end the cluster; "down" does.

Flags of every command:

  --name NAME      which cluster, of several (default: $SERVICECONNECTOR_CLUSTER,
                   or "default")
  --state-dir DIR  where clusters are kept (default: in the user's cache folder)

Flags of "up", which count when it starts the cluster:

  --audit               write every request to the audit log (see "status")
  --scheduler           run kube-scheduler too
  --api-server-arg ARG  a further flag for kube-apiserver; may be repeated

Environment:

  SERVICECONNECTOR_CLUSTER  the name of the cluster
  KUBEBUILDER_ASSETS        a folder with ready-made binaries, used instead of
                            building them: etcd, kube-apiserver,
                            kube-controller-manager, kubectl
`

// errUsage says that the command line is wrong.
var errUsage = errors.New("see cluster --help")

// nameVariable is the environment variable with the name of the cluster.
const nameVariable = "SERVICECONNECTOR_CLUSTER"

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command given; one of up, status, down is needed: %w", errUsage)
	}
	command, args := args[0], args[1:]
	k := keeper{stdout: stdout, stderr: stderr}
	flags := k.flags(command)
	var act func(context.Context) error
	switch command {
	case "up":
		options := cluster.Options{Detach: true, Output: stderr}
		upFlags(flags, &options)
		act = func(ctx context.Context) error { return k.up(ctx, options) }
	case "status":
		act = k.status
	case "down":
		act = k.down
	case "help", "-h", "-help", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	default:
		return fmt.Errorf("unknown command %q; it is one of up, status, down: %w", command, errUsage)
	}
	if err := k.parse(flags, args); err != nil {
		return err
	}
	return act(ctx)
}

// flags returns the flags of every command.
func (k *keeper) flags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	name := os.Getenv(nameVariable)
	if name == "" {
		name = "default"
	}
	flags.StringVar(&k.name, "name", name, "")
	flags.StringVar(&k.root, "state-dir", "", "")
	return flags
}

// upFlags adds the flags of "up".
func upFlags(flags *flag.FlagSet, o *cluster.Options) {
	flags.BoolVar(&o.Audit, "audit", false, "")
	flags.BoolVar(&o.Scheduler, "scheduler", false, "")
	flags.Func("api-server-arg", "", func(arg string) error {
		o.APIServerArgs = append(o.APIServerArgs, arg)
		return nil
	})
}

// parse parses the command line and checks what it says.
func (k *keeper) parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(k.stdout, usage)
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", flags.Name(), err, errUsage)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes flags only, not %q: %w", flags.Name(), flags.Arg(0), errUsage)
	}
	if !namePattern.MatchString(k.name) {
		return fmt.Errorf("name %q: use up to 40 lower-case letters, digits and inner hyphens: %w", k.name, errUsage)
	}
	if k.root == "" {
		cache, err := cluster.CacheDir()
		k.root = filepath.Join(cache, "clusters")
		return err
	}
	k.root, err = filepath.Abs(k.root)
	return err
}
