// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// testTimeout bounds each wait for a condition.
const testTimeout = 30 * time.Second

func TestSideBySide(t *testing.T) {
	a := start(t, Options{Audit: true})
	b := start(t, Options{})
	if a.URL == b.URL || a.Dir == b.Dir {
		t.Fatalf("the clusters share %s or %s", a.URL, a.Dir)
	}

	t.Run("a deployment gets its pods, in its own cluster", func(t *testing.T) {
		runKubectl(t, a, "create", "deployment", "web", "--image=web", "--replicas=3")
		eventually(t, "three pods", func() bool { return len(pods(t, a)) == 3 })
		if got := pods(t, b); len(got) != 0 {
			t.Errorf("pods in the other cluster: %v", got)
		}
	})

	t.Run("the audit log holds requests with their bodies", func(t *testing.T) {
		raw, err := os.ReadFile(a.AuditLog)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"resource":"deployments"`, `"image":"web"`} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("the audit log lacks %s", want)
			}
		}
		if b.AuditLog != "" {
			t.Errorf("audit log %s of a cluster without audit", b.AuditLog)
		}
	})

	t.Run("a service account has its own rights alone", func(t *testing.T) {
		path, err := b.KubeconfigFor(t.Context(), "kube-system", "job-controller")
		if err != nil {
			t.Fatal(err)
		}
		private(t, path)
		got := map[string]bool{}
		for _, verb := range []string{"create pods", "create deployments.apps"} {
			args := append([]string{"--kubeconfig", path, "auth", "can-i"}, strings.Fields(verb)...)
			out, _ := b.Kubectl(t.Context(), args...)
			got[verb] = strings.TrimSpace(out) == "yes"
		}
		want := map[string]bool{"create pods": true, "create deployments.apps": false}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rights (-want +got):\n%s", diff)
		}
	})

	t.Run("the API server restarts with its data on its port", func(t *testing.T) {
		before := a.Processes()
		if err := a.RestartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := pods(t, a); len(got) != 3 {
			t.Errorf("%d pods after the restart, want 3", len(got))
		}
		var changed []string
		for i, p := range a.Processes() {
			if p.PID != before[i].PID {
				changed = append(changed, p.Name)
			}
		}
		if diff := cmp.Diff([]string{apiServer, controllerManager}, changed); diff != "" {
			t.Errorf("restarted processes (-want +got):\n%s", diff)
		}
		runKubectl(t, a, "scale", "deployment", "web", "--replicas=4")
		eventually(t, "a fourth pod", func() bool { return len(pods(t, a)) == 4 })
	})

	t.Run("a stopped API server refuses, and starts again", func(t *testing.T) {
		if err := b.StopAPIServer(); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(t.Context()); err == nil || !strings.Contains(err.Error(), apiServer) {
			t.Errorf("Check returned %v, want an error that names %s", err, apiServer)
		}
		if err := b.StartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})

	t.Run("Stop leaves no process and no folder", func(t *testing.T) {
		private(t, a.Kubeconfig)
		for _, c := range []*Cluster{a, b} {
			running := identities(c)
			if len(running) != 3 {
				t.Errorf("%d processes run before Stop, want 3", len(running))
			}
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			if left := alive(running); len(left) > 0 {
				t.Errorf("processes left: %v", left)
			}
			if _, err := os.Stat(c.Dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("folder %s is left: %v", c.Dir, err)
			}
			if err := c.Stop(); err != nil {
				t.Errorf("a second Stop: %v", err)
			}
		}
	})
}

func TestStartFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, err := Start(t.Context(), Options{DataDir: dir, APIServerArgs: []string{"--no-such-flag"}})
	if err == nil {
		t.Fatal("a cluster with a wrong flag started")
	}
	for _, want := range []string{apiServer, "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	if left := mentioning(t, dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if _, err := Start(t.Context(), Options{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a start in a folder with files returned %v", err)
	}
}

func TestStartCancelled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{DataDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left := mentioning(t, dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

func TestLostPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	taken := listener.Addr().(*net.TCPAddr).Port

	c := &Cluster{Dir: t.TempDir(), binaries: binariesFor(t, etcd)}
	t.Cleanup(func() { _ = c.Stop() })
	k, err := newPKI(filepath.Join(c.Dir, "pki"), nil, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	healthy, err := etcdHealth(k)
	if err != nil {
		t.Fatal(err)
	}
	picks := 0
	pick := func(n int) ([]int, error) {
		ports, err := freePorts(n)
		if picks++; picks == 1 {
			ports[0] = taken
		}
		return ports, err
	}
	err = c.onFreePorts(t.Context(), 2, pick, func(ports []int) (component, error) {
		ready := func(ctx context.Context) error { return healthy(ctx, localURL(ports[0])) }
		return component{name: etcd, args: etcdArgs(c.Dir, k, ports[0], ports[1]), ready: ready}, nil
	})
	if err != nil || picks != 2 || len(c.Processes()) != 1 {
		t.Errorf("error %v after %d picks with processes %v, want success at the second", err, picks, c.Processes())
	}
}

// start starts a cluster that ends with the test.
func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	begin := time.Now()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %.1f s", time.Since(begin).Seconds())
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// binariesFor returns the paths of binaries.
func binariesFor(t *testing.T, names ...string) map[string]string {
	t.Helper()
	paths, err := findBinaries(t.Context(), names, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func runKubectl(t *testing.T, c *Cluster, args ...string) {
	t.Helper()
	if _, err := c.Kubectl(t.Context(), args...); err != nil {
		t.Fatal(err)
	}
}

// pods returns the names of the pods in the namespace "default".
func pods(t *testing.T, c *Cluster) []string {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	list, err := clientset.CoreV1().Pods(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range list.Items {
		names = append(names, pod.Name)
	}
	return names
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); !condition(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, testTimeout)
		}
	}
}

// private fails the test if others may read a file.
func private(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("%s has mode %o, want 600", path, mode)
	}
}

// identities returns the identities of the processes that run.
func identities(c *Cluster) map[int]string {
	all := map[int]string{}
	for _, p := range c.Processes() {
		if id, ok := identity(p.PID); ok {
			all[p.PID] = id
		}
	}
	return all
}

// alive returns those of the processes that still run.
func alive(processes map[int]string) []int {
	var left []int
	for pid, id := range processes {
		if now, ok := identity(pid); ok && now == id {
			left = append(left, pid)
		}
	}
	return left
}

// mentioning returns the processes with a text in their command line.
func mentioning(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err == nil && bytes.Contains(raw, []byte(text)) {
			found = append(found, file)
		}
	}
	return found
}

// helperVariable makes this test's binary the process that TestKilledParent
// kills. Its value is the data folder.
const helperVariable = "CLUSTER_TEST_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperVariable); dir != "" {
		helper(dir)
		return
	}
	os.Exit(m.Run())
}

// helper starts a cluster, prints its processes and waits for its end.
func helper(dir string) {
	c, err := Start(context.Background(), Options{DataDir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for pid := range identities(c) {
		fmt.Println(pid)
	}
	fmt.Println()
	select {}
}

// readPIDs reads what helper prints.
func readPIDs(t *testing.T, from *bufio.Scanner) map[int]string {
	t.Helper()
	all := map[int]string{}
	for from.Scan() && from.Text() != "" {
		pid, err := strconv.Atoi(from.Text())
		if err != nil {
			t.Fatal(err)
		}
		id, ok := identity(pid)
		if !ok {
			t.Fatalf("process %d does not run", pid)
		}
		all[pid] = id
	}
	return all
}
