// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/cluster"
)

func TestPods(t *testing.T) {
	needsNode(t)
	before := look(t)
	n, clients := start(t, Options{})

	t.Run("a job completes and its logs are there", func(t *testing.T) {
		pod := toolsPod("env", "printenv", "GREETING")
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "GREETING", Value: "hello"}}
		job := &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Name: "env"},
			Spec:       batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: pod.Spec}},
		}
		begin := time.Now()
		if _, err := clients.BatchV1().Jobs(metav1.NamespaceDefault).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the job to complete", func(ctx context.Context) error {
			job, err := clients.BatchV1().Jobs(metav1.NamespaceDefault).Get(ctx, "env", metav1.GetOptions{})
			if err == nil && job.Status.Succeeded != 1 {
				err = fmt.Errorf("%+v", job.Status)
			}
			return err
		})
		t.Logf("completed after %.1f s", time.Since(begin).Seconds())
		pods, err := clients.CoreV1().Pods(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=env"})
		if err != nil || len(pods.Items) != 1 {
			t.Fatalf("%d pods, %v", len(pods.Items), err)
		}
		if got := logs(t, clients, pods.Items[0].Name); got != "hello\n" {
			t.Errorf("the log is %q", got)
		}
	})

	t.Run("a service routes to a pod, from a pod and from this machine", func(t *testing.T) {
		create(t, clients, toolsPod("web", "serve", ":8080", "here I am"))
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 8080}}},
		}
		service, err := clients.CoreV1().Services(metav1.NamespaceDefault).Create(t.Context(), service, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		awaitPhase(t, clients, "web", corev1.PodRunning)
		url := fmt.Sprintf("http://%s:8080/", service.Spec.ClusterIP)
		if got := run(t, clients, toolsPod("get", "get", url)); got != "here I am\n" {
			t.Errorf("a pod got %q", got)
		}
		eventually(t, "an answer to this machine", healthy(url))
	})

	t.Run("a command runs in a running pod", func(t *testing.T) {
		got, err := n.Cluster.Kubectl(t.Context(), "exec", "web", "--", "ls", "/tmp", "/var/run/secrets/kubernetes.io")
		if err != nil || got != "/var/run/secrets/kubernetes.io/serviceaccount\n" {
			t.Errorf("got %q, %v", got, err)
		}
	})

	t.Run("an image is replaced under its name", func(t *testing.T) {
		for _, want := range []string{"one", "two"} {
			image := Image{
				Name:       "localhost/own:1",
				Files:      map[string]string{"/app/env": n.Cluster.Dir + "/bin/tools"},
				Entrypoint: []string{"/app/env", "printenv", "WHICH"},
				Env:        []string{"WHICH=" + want},
				User:       "65532",
			}
			if err := n.LoadImage(t.Context(), image); err != nil {
				t.Fatal(err)
			}
			pod := toolsPod("own-" + want)
			pod.Spec.Containers[0].Image = image.Name
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true)}
			if got := run(t, clients, pod); got != want+"\n" {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})

	t.Run("Stop leaves nothing, while pods run", func(t *testing.T) {
		create(t, clients, toolsPod("pause", "pause"))
		awaitPhase(t, clients, "pause", corev1.PodRunning)
		if during := look(t); len(during.Links) < len(before.Links)+3 || len(during.Mounts) == len(before.Mounts) {
			t.Errorf("what is looked at does not show a node: %+v", during)
		}
		stop(t, n)
		unchanged(t, before)
		if _, err := os.Stat(n.Cluster.Dir); err == nil {
			t.Errorf("the data folder %s is still there", n.Cluster.Dir)
		}
	})

	t.Run("a second node starts after the first", func(t *testing.T) {
		n, clients := start(t, Options{})
		if got := run(t, clients, toolsPod("again", "printenv", "HOME")); got != "/\n" {
			t.Errorf("the log is %q", got)
		}
		stop(t, n)
		unchanged(t, before)
	})
}

func stop(t *testing.T, n *Node) {
	t.Helper()
	begin := time.Now()
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after %.1f s", time.Since(begin).Seconds())
}

func TestOneAtATime(t *testing.T) {
	needsNode(t)
	first, err := acquire(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	short, cancel := context.WithTimeout(t.Context(), 5*pollInterval)
	defer cancel()
	if _, err := acquire(short, &said); !errors.Is(err, context.DeadlineExceeded) || said.Len() == 0 {
		t.Errorf("a second one was let in: %v, saying %q", err, said.String())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := acquire(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

func TestKeptFolder(t *testing.T) {
	needsNode(t)
	before := look(t)
	dir := filepath.Join(t.TempDir(), "data")
	if len(dir) > longestDir {
		t.Skipf("the test's folder %s is too long", dir)
	}
	n, clients := start(t, Options{Cluster: cluster.Options{DataDir: dir, Audit: true}})
	create(t, clients, toolsPod("pause", "pause"))
	awaitPhase(t, clients, "pause", corev1.PodRunning)
	audit := n.Cluster.AuditLog
	stop(t, n)
	unchanged(t, before)
	for _, path := range []string{filepath.Join(dir, "kubelet.log"), audit} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("what shall be kept is gone: %v", err)
		}
	}
}

func TestAfterCrash(t *testing.T) {
	needsNode(t)
	before := look(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	word, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || word != childReady {
		t.Fatalf("the child says %q, %v", word, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	if after := look(t); !after.Record || len(after.Mounts) == len(before.Mounts) {
		t.Errorf("the killed process left nothing, so this test shows nothing: %+v", after)
	}
	n, clients := start(t, Options{})
	if got := run(t, clients, toolsPod("after", "printenv", "HOME")); got != "/\n" {
		t.Errorf("the log is %q", got)
	}
	stop(t, n)
	unchanged(t, before)
}

// childReady is what the child says when it can be killed.
const childReady = "ready\n"

// beKilled starts a node with a running pod and waits for its end.
func beKilled() {
	if err := runOnePod(context.Background()); err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	fmt.Print(childReady)
	time.Sleep(5 * time.Minute)
	os.Exit(1)
}

func runOnePod(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	n, err := Start(ctx, Options{})
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(n.Cluster.Config())
	if err != nil {
		return err
	}
	pods := clients.CoreV1().Pods(metav1.NamespaceDefault)
	if _, err := pods.Create(ctx, toolsPod("pause", "pause"), metav1.CreateOptions{}); err != nil {
		return err
	}
	return await(ctx, "the pod to run", func(ctx context.Context) error {
		pod, err := pods.Get(ctx, "pause", metav1.GetOptions{})
		if err == nil && pod.Status.Phase != corev1.PodRunning {
			err = errors.New(string(pod.Status.Phase))
		}
		return err
	})
}
