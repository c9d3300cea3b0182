// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package cli tests the kubectl plugin against a real kube-apiserver with the
// product installed: the built binary, run as a person runs it.
//
// All tests share one control plane and one webhook. Each works in namespaces
// and with ClusterConnections of its own.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// The world that all tests share.
var (
	controlPlane *cluster.Cluster
	installed    *product.Product
	// plugin is the path of the built plugin.
	plugin string
)

// stranger is a user without any rights, for what the plugin says to one.
const stranger = "stranger"

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()
	controlPlane, err = cluster.Start(ctx, cluster.Options{Users: map[string][]string{stranger: nil}})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	if plugin, err = product.BuildPlugin(ctx, controlPlane); err != nil {
		return 1, err
	}
	if installed, err = product.Start(ctx, controlPlane, product.Options{}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// kubectlConnection runs the plugin as the administrator and returns what it
// said and its exit status.
func kubectlConnection(t *testing.T, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	return runPlugin(t, "", append([]string{"--kubeconfig", controlPlane.Kubeconfig}, args...)...)
}

// runPlugin runs the plugin with standard input and no kubeconfig but what args
// say.
func runPlugin(t *testing.T, stdin string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), plugin, args...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=/nonexistent",
		"KUBECACHEDIR="+filepath.Join(controlPlane.Dir, "plugin-cache"))
	command.Stdin = strings.NewReader(stdin)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	err := command.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return out.String(), problems.String(), command.ProcessState.ExitCode()
}

// apply applies manifests. The cluster-wide connections among them end with the
// test: others list what there is.
func apply(t *testing.T, manifests string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(path, []byte(manifests), 0o600); err != nil {
		t.Fatal(err)
	}
	before := strings.Fields(kubectl(t, "get", "clusterconnections", "-o", "name"))
	kubectl(t, "apply", "-f", path)
	for _, name := range strings.Fields(kubectl(t, "get", "clusterconnections", "-o", "name")) {
		if !slices.Contains(before, name) {
			t.Cleanup(func() { _, _ = controlPlane.Kubectl(context.Background(), "delete", "--ignore-not-found", name) })
		}
	}
}

// kubectl runs kubectl as the administrator.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := controlPlane.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually waits until a condition is met. The condition says what it last
// saw.
func eventually(t *testing.T, what string, condition func() (met bool, saw string)) {
	t.Helper()
	var saw string
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(context.Context) (met bool, _ error) {
		met, saw = condition()
		return met, nil
	})
	if err != nil {
		t.Fatalf("%s: %v; last:\n%s", what, err, saw)
	}
}
