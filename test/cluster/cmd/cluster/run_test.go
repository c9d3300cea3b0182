// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/test/cluster"
)

func TestUpAndDown(t *testing.T) {
	state := t.TempDir()
	command := func(name string) (stdout, stderr string, err error) {
		return invoke(name, "--name", "one", "--state-dir", state)
	}
	t.Cleanup(func() {
		if _, _, err := command("down"); err != nil {
			t.Error(err)
		}
	})

	halfStarted(t, filepath.Join(state, "one"))
	if _, _, err := command("status"); !errors.Is(err, cluster.ErrIncomplete) {
		t.Errorf("status of a half-started cluster returned %v, want ErrIncomplete", err)
	}
	first, said, err := command("up")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, said, `cluster "one" was left half started; starting it anew`)
	want := "KUBECONFIG=" + filepath.Join(state, "one", "admin.kubeconfig") + "\n"
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("output of up (-want +got):\n%s", diff)
	}
	before := processes(t, state)

	second, said, err := command("up")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("output of a second up (-first +second):\n%s", diff)
	}
	contains(t, said, `cluster "one" is running already`)
	if diff := cmp.Diff(before, processes(t, state)); diff != "" {
		t.Errorf("processes after a second up (-before +after):\n%s", diff)
	}

	status, _, err := command("status")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, status, "kube-controller-manager", want)

	kill(t, before[1])
	status, _, err = command("status")
	contains(t, status, "ended", want)
	if err == nil || !strings.Contains(err.Error(), before[1].Name) {
		t.Errorf("status of a broken cluster returned %v, want an error that names %s", err, before[1].Name)
	}

	if _, said, err = command("up"); err != nil {
		t.Fatal(err)
	}
	contains(t, said, `cluster "one" has lost `+before[1].Name+"; starting it anew")
	anew := processes(t, state)

	if _, said, err = command("down"); err != nil {
		t.Fatal(err)
	}
	contains(t, said, `cluster "one" is down`)
	for _, p := range slices.Concat(before, anew) {
		gone(t, p)
	}
	if _, err := os.Stat(filepath.Join(state, "one")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}

	if _, said, err = command("down"); err != nil {
		t.Fatal(err)
	}
	contains(t, said, `cluster "one" is not running`)
	if _, _, err = command("status"); err == nil || !strings.Contains(err.Error(), "cluster up --name one") {
		t.Errorf("status without a cluster returned %v, want an error with the way to start it", err)
	}
}

func TestCommandLine(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no command":      {nil, "one of up, status, down is needed"},
		"unknown command": {[]string{"start"}, `unknown command "start"; it is one of up, status, down`},
		"unknown flag":    {[]string{"up", "--nodes", "3"}, "up: flag provided but not defined: -nodes"},
		"flag of up":      {[]string{"down", "--audit"}, "down: flag provided but not defined: -audit"},
		"an argument":     {[]string{"down", "two"}, `down takes flags only, not "two"`},
		"a path as name":  {[]string{"down", "--name", "../x"}, `name "../x": use up to 40 lower-case letters`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := invoke(tt.args...)
			if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a usage error with %q", err, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for name, args := range map[string][]string{"alone": {"--help"}, "of a command": {"up", "--help"}, "as a command": {"help"}} {
		t.Run(name, func(t *testing.T) {
			stdout, _, err := invoke(args...)
			if got := report(err); got != 0 {
				t.Errorf("exit status %d, want 0", got)
			}
			contains(t, stdout, "cluster up", "--name", "KUBEBUILDER_ASSETS")
		})
	}
}

func TestNameFromEnvironment(t *testing.T) {
	t.Setenv(nameVariable, "two")
	_, said, err := invoke("down", "--state-dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	contains(t, said, `cluster "two" is not running`)
}

// invoke runs the program.
func invoke(args ...string) (stdout, stderr string, err error) {
	var out, complaints bytes.Buffer
	err = run(context.Background(), args, &out, &complaints)
	return out.String(), complaints.String(), err
}

// processes returns the processes of the cluster "one".
func processes(t *testing.T, state string) []cluster.Process {
	t.Helper()
	c, err := cluster.Open(filepath.Join(state, "one"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Processes()
}

// halfStarted leaves what "up" leaves when it is killed before it started a
// process.
func halfStarted(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kill kills a process and waits until it is gone.
func kill(t *testing.T, p cluster.Process) {
	t.Helper()
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := handle.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, p)
}

// gone fails the test if a process does not end. It is a child of this one, which
// may take a moment to notice the end.
func gone(t *testing.T, p cluster.Process) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); runs(p); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is left", p.Name)
		}
	}
}

// runs reports whether a process is there, even if it only waits to be noticed.
func runs(p cluster.Process) bool {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return false
	}
	return handle.Signal(syscall.Signal(0)) == nil
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
