// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// variable says that this machine may be used for a node.
	variable = "SERVICECONNECTOR_NODE"
	// childVariable makes the test's binary the process that gets killed.
	childVariable = "SERVICECONNECTOR_NODE_CHILD"
	// testTimeout bounds each wait for a condition.
	testTimeout = time.Minute
)

// reason is why the tests of a real node are skipped.
const reason = "tests of a real node are skipped: they need root, packages and this machine's network; to run them set " + variable + "=1"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		beKilled()
	}
	if os.Getenv(variable) != "1" {
		fmt.Fprintln(os.Stderr, "test/node:", reason)
	} else if err := Requirements(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// needsNode skips a test where no node may be started. TestMain says why, too.
func needsNode(t *testing.T) {
	t.Helper()
	if os.Getenv(variable) != "1" {
		t.Skip(reason)
	}
}

// machine is what a node could leave on a machine.
type machine struct {
	Links, Routes, Tables, Rules []string
	Mounts, Cgroups              []string
	Sysctls                      map[string]string
	Sockets, Logs, Results       []string
	Record                       bool
	// Processes are those that speak of a node, and containers' shims.
	Processes []string
}

// look reads the state of this machine.
func look(t *testing.T) machine {
	t.Helper()
	m := machine{
		Links:     lines(t, "ip", "-brief", "link", "show"),
		Routes:    lines(t, "ip", "route", "show"),
		Rules:     lines(t, "ip", "rule", "show"),
		Tables:    lines(t, "nft", "list", "tables"),
		Sockets:   glob(t, "/run/containerd/s/*"),
		Logs:      glob(t, "/var/log/containers/*"),
		Results:   glob(t, "/var/lib/cni/results/*"),
		Processes: processes(t),
	}
	mounts, err := readMounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range mounts {
		m.Mounts = append(m.Mounts, one.kind+" on "+one.target)
	}
	if m.Sysctls, err = readSysctls(); err != nil {
		t.Fatal(err)
	}
	if m.Cgroups, err = cgroupDirs(); err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(recordFile)
	m.Record = err == nil
	return m
}

// unchanged fails the test if the machine is not what it was. The kernel takes a
// moment for the ends of links.
func unchanged(t *testing.T, before machine) {
	t.Helper()
	diff := ""
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(pollInterval) {
		if diff = cmp.Diff(before, look(t)); diff == "" {
			return
		}
	}
	t.Errorf("the machine changed (-before +after):\n%s", diff)
}

func lines(t *testing.T, name string, args ...string) []string {
	t.Helper()
	out, err := output(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(out), "\n")
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func processes(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, path := range glob(t, "/proc/[0-9]*/cmdline") {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		command := strings.ReplaceAll(string(raw), "\x00", " ")
		if strings.Contains(command, "serviceconnector-node-") || strings.Contains(command, "containerd-shim") {
			found = append(found, command)
		}
	}
	return found
}

// start starts a node and makes sure that it is stopped.
func start(t *testing.T, o Options) (*Node, kubernetes.Interface) {
	t.Helper()
	begin := time.Now()
	n, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %.1f s", time.Since(begin).Seconds())
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	clients, err := kubernetes.NewForConfig(n.Cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	return n, clients
}

// toolsPod returns a pod that runs one of the tools once.
func toolsPod(name string, args ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceDefault, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "main", Image: ToolsImage, Args: args}},
		},
	}
}

func create(t *testing.T, clients kubernetes.Interface, pod *corev1.Pod) {
	t.Helper()
	if _, err := clients.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := await(ctx, what, condition); err != nil {
		t.Fatal(err)
	}
}

// awaitPhase waits until a pod is in a phase.
func awaitPhase(t *testing.T, clients kubernetes.Interface, name string, want corev1.PodPhase) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	eventually(t, fmt.Sprintf("pod %s to be %s", name, want), func(ctx context.Context) (err error) {
		pod, err = clients.CoreV1().Pods(metav1.NamespaceDefault).Get(ctx, name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase != want {
			err = fmt.Errorf("%s %v", pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		return err
	})
	return pod
}

// run runs a pod to its end and returns what it printed.
func run(t *testing.T, clients kubernetes.Interface, pod *corev1.Pod) string {
	t.Helper()
	create(t, clients, pod)
	awaitPhase(t, clients, pod.Name, corev1.PodSucceeded)
	return logs(t, clients, pod.Name)
}

func logs(t *testing.T, clients kubernetes.Interface, pod string) string {
	t.Helper()
	stream, err := clients.CoreV1().Pods(metav1.NamespaceDefault).GetLogs(pod, &corev1.PodLogOptions{}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	text, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
