// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writeArchive writes an image of one program as a docker-archive tar.
func writeArchive(t *testing.T, ref, program string) string {
	t.Helper()
	image, err := Image{Files: map[string]string{"/app": program}, Entrypoint: []string{"/app", "printenv", "FROM"}, Env: []string{"FROM=archive"}}.build()
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(path, tag, image); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadArchive(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	images, err := readArchive(writeArchive(t, "localhost/app:1", program))
	if err != nil || len(images) != 1 || images[0].name != "localhost/app:1" || images[0].digest.Hex == "" {
		t.Errorf("got %v, %v", images, err)
	}
	if _, err := readArchive(program); err == nil || !strings.Contains(err.Error(), "no docker-archive") {
		t.Errorf("a file that is none: %v", err)
	}
}

func TestArchiveAndKill(t *testing.T) {
	needsNode(t)
	n, clients := start(t, Options{})

	// A name without a registry, as the product's own image has by default.
	t.Run("a pod runs an image of an archive", func(t *testing.T) {
		names, err := n.LoadArchive(t.Context(), writeArchive(t, "shop/archived:1", n.Cluster.Dir+"/bin/tools"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"shop/archived:1"}, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		pod := toolsPod("archived")
		pod.Spec.Containers[0].Image, pod.Spec.Containers[0].ImagePullPolicy = names[0], corev1.PullNever
		if got := run(t, clients, pod); got != "archive\n" {
			t.Errorf("the log is %q", got)
		}
	})

	t.Run("a killed container ends by SIGKILL and is started again", func(t *testing.T) {
		pod := toolsPod("victim", "pause")
		pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
		create(t, clients, pod)
		awaitPhase(t, clients, "victim", corev1.PodRunning)
		if err := n.KillContainer(t.Context(), "default", "victim", "main"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the second run", func(ctx context.Context) error {
			pod, err := clients.CoreV1().Pods("default").Get(ctx, "victim", metav1.GetOptions{})
			if err != nil {
				return err
			}
			status := pod.Status.ContainerStatuses[0]
			last := status.LastTerminationState.Terminated
			if status.RestartCount != 1 || status.State.Running == nil || last == nil || last.ExitCode != 137 {
				return fmt.Errorf("%+v", status)
			}
			return nil
		})
		if err := n.KillContainer(t.Context(), "default", "nobody", "main"); err == nil {
			t.Error("a container that is not there was killed")
		}
	})
}
