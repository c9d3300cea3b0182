// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/test/product"
)

const (
	// release is the name of the Helm release, and of what it makes.
	release = "service-connector"
	// imageName is the name under which the images are given to the node.
	imageName = "localhost/service-connector/webhook"
	// webhookPods select the replicas.
	webhookPods = "app.kubernetes.io/name=" + release
)

// chart is one version of the chart, with the image that was built from the same
// source.
type chart struct {
	path, version, image string
}

// load builds the image of a source tree and gives it to the node.
func load(ctx context.Context, root, source, tag string) (chart, error) {
	c := chart{path: filepath.Join(source, "manifests", "chart"), image: tag}
	var err error
	if c.version, err = chartVersion(os.ReadFile(filepath.Join(c.path, "Chart.yaml"))); err != nil {
		return c, err
	}
	out := filepath.Join(machine.Cluster.Dir, "image-"+tag)
	build := exec.CommandContext(ctx, "go", "run", ".", "-source", source, "-out", out,
		"-image", imageName, "-version", tag, "-platforms", "linux/"+runtime.GOARCH)
	build.Dir = filepath.Join(root, "tools", "image")
	if said, err := build.CombinedOutput(); err != nil {
		return c, fmt.Errorf("building the image of %s: %w\n%s", source, err, said)
	}
	_, err = machine.LoadArchive(ctx, filepath.Join(out, "webhook-linux-"+runtime.GOARCH+".tar"))
	return c, err
}

// chartVersion returns the version of a Chart.yaml that was read.
func chartVersion(raw []byte, err error) (string, error) {
	var c struct{ Version string }
	if err == nil {
		err = yaml.Unmarshal(raw, &c)
	}
	if err == nil && c.Version == "" {
		err = errors.New("the chart has no version")
	}
	return c.Version, err
}

// install installs the chart or upgrades to it, with these values and no others,
// and waits until its replicas are ready and asked.
func (c chart) install(ctx context.Context, values ...string) error {
	return c.installBy(ctx, "helm", values...)
}

func (c chart) installBy(ctx context.Context, program string, values ...string) error {
	if _, err := helm(ctx, program, c.arguments(values...)...); err != nil {
		return err
	}
	return awaitAdmission(ctx)
}

// arguments returns the command line that installs the chart or upgrades to it.
func (c chart) arguments(values ...string) []string {
	args := []string{
		"upgrade", release, c.path, "--install", "--namespace", product.Namespace, "--wait", "--timeout", "2m",
		"--set", "image.repository=" + imageName, "--set", "image.tag=" + c.image,
	}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	return args
}

func uninstall(ctx context.Context) error {
	_, err := helm(ctx, "helm", "uninstall", release, "--namespace", product.Namespace, "--wait")
	return err
}

// helm runs one of the pinned versions, which make e2e builds.
func helm(ctx context.Context, program string, args ...string) (string, error) {
	root, err := product.Root(ctx)
	if err != nil {
		return "", err
	}
	return machine.Cluster.Helm(ctx, filepath.Join(root, "bin", program), args...)
}

func kubectl(ctx context.Context, args ...string) (string, error) {
	return machine.Cluster.Kubectl(ctx, args...)
}

// awaitAdmission waits until an annotated pod is injected. The way to a Service
// is open a moment after its pods are ready.
func awaitAdmission(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		pod, err := clients.CoreV1().Pods("shop").Create(ctx, pausing("asked-", "orders-db"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		last = err
		return err == nil && len(pod.Spec.Containers[0].EnvFrom) == 1, nil
	})
	if err != nil {
		return fmt.Errorf("no annotated pod comes in with its connection: %w", errors.Join(err, last))
	}
	return nil
}

// replicas returns the webhook's pods that are not about to end.
func replicas(ctx context.Context) ([]corev1.Pod, error) {
	list, err := clients.CoreV1().Pods(product.Namespace).List(ctx, metav1.ListOptions{LabelSelector: webhookPods})
	if err != nil {
		return nil, err
	}
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// settled waits until n replicas are ready and all others are gone.
func settled(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		list, err := clients.CoreV1().Pods(product.Namespace).List(ctx, metav1.ListOptions{LabelSelector: webhookPods})
		if err != nil || len(list.Items) != n {
			return false, nil
		}
		for _, pod := range list.Items {
			if !podReady(&pod) {
				return false, nil
			}
		}
		return true, nil
	})
}

func podReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// earlier returns a tree of the newest commit whose chart has another version
// than the one given, in a folder of its own; "" if history has none.
func earlier(ctx context.Context, root, version, dir string) (source string, err error) {
	commits, err := git(ctx, root, "log", "--format=%H", "--", "manifests/chart/Chart.yaml")
	if err != nil {
		return "", err
	}
	for commit := range strings.FieldsSeq(commits) {
		// A commit without the chart has no version.
		found, err := chartVersion(show(ctx, root, commit))
		if err != nil || found == version {
			continue
		}
		if _, err := git(ctx, root, "clone", "--quiet", "--shared", "--no-checkout", ".", dir); err != nil {
			return "", err
		}
		_, err = git(ctx, dir, "checkout", "--quiet", commit)
		return dir, err
	}
	return "", nil
}

func show(ctx context.Context, root, commit string) ([]byte, error) {
	raw, err := git(ctx, root, "show", commit+":manifests/chart/Chart.yaml")
	return []byte(raw), err
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}
