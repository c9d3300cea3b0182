// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"serviceconnector.dev/test/node"
	"serviceconnector.dev/test/product"
)

// Replicas are exchanged one by one; each serves on until nobody asks it.
func TestRollingRestart(t *testing.T) {
	pods := startTraffic(t)
	for _, args := range [][]string{
		{"rollout", "restart", "deployment/" + release},
		{"rollout", "status", "deployment/" + release, "--timeout=2m"},
	} {
		if _, err := kubectl(t.Context(), append([]string{"-n", product.Namespace}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := settled(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	pods.end().wantNoneRefused(t)
	record("rolling restart of both replicas", "%s", pods)
}

// A replica that is killed takes the requests with it that it had, and those
// that come before the Service leads past it. Whoever creates pods tries again,
// and none comes in without its connection.
func TestKill(t *testing.T) {
	pods, err := replicas(t.Context())
	if err != nil || len(pods) != 2 {
		t.Fatalf("%d replicas, %v", len(pods), err)
	}
	for i, pod := range pods {
		restarts := pod.Status.ContainerStatuses[0].RestartCount
		created := startTraffic(t)
		if err := machine.KillContainer(t.Context(), pod.Namespace, pod.Name, "webhook"); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("killed-%d", i)
		took := deploy(t, name, "orders-db", 5)
		awaitRestart(t, pod.Name, restarts)
		if err := awaitAdmission(t.Context()); err != nil {
			t.Fatal(err)
		}
		created.end().wantNoneWithout(t)
		record(fmt.Sprintf("SIGKILL of replica %d of 2", i+1), "%s; a Deployment of 5 made meanwhile ran after %.1f s", created, took.Seconds())
		removeDeployment(t, name)
	}
}

func awaitRestart(t *testing.T, pod string, before int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		found, err := clients.CoreV1().Pods(product.Namespace).Get(ctx, pod, metav1.GetOptions{})
		return err == nil && podReady(found) && found.Status.ContainerStatuses[0].RestartCount > before, nil
	})
	if err != nil {
		t.Fatalf("replica %s does not come back: %v", pod, err)
	}
}

// Everything loses its power while annotated pods wait and no replica is there.
// All comes up by itself. What is not annotated is not held up meanwhile.
func TestColdStart(t *testing.T) {
	ctx := t.Context()
	t.Cleanup(func() { restore(t) })
	deploy(t, "waiting", "orders-db", 3)
	scale(t, 0)
	if err := settled(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := kubectl(ctx, "-n", "shop", "delete", "pods", "-l", "app=waiting"); err != nil {
		t.Fatal(err)
	}
	awaitRefusal(t, "waiting")
	record("unannotated Deployment of 3 while no replica is there", "runs after %.1f s", deploy(t, "plain", "", 3).Seconds())
	scale(t, 2)
	if err := machine.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	awaitDeployment(t, "waiting", 3)
	record("power cut of the whole machine, both replicas down", "3 annotated pods that waited run %.1f s after the Node is back", time.Since(began).Seconds())
	if err := settled(ctx, 2); err != nil {
		t.Fatal(err)
	}
	wantVariables(t, "waiting", 3)
	removeDeployment(t, "waiting")
	removeDeployment(t, "plain")
}

func scale(t *testing.T, n int) {
	t.Helper()
	if _, err := kubectl(t.Context(), "-n", product.Namespace, "scale", "deployment/"+release, fmt.Sprintf("--replicas=%d", n)); err != nil {
		t.Fatal(err)
	}
}

// awaitRefusal waits until a Deployment's pods were refused because nobody
// answered for the webhook.
func awaitRefusal(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		found, err := clients.AppsV1().Deployments("shop").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("the pods of %s are not refused: %v", name, err)
	}
}

// deploy makes a Deployment of pods that wait, and returns how long it takes
// until all run.
func deploy(t *testing.T, name, connections string, n int32) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// The Deployment itself passes the webhook, too.
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		return request(ctx, name, connections, n) == nil, nil
	})
	if err != nil {
		t.Fatalf("deployment %s is not accepted: %v", name, err)
	}
	awaitDeployment(t, name, n)
	return time.Since(began)
}

// request creates a Deployment. Its annotation is on the pod template.
func request(ctx context.Context, name, connections string, n int32) error {
	labels := map[string]string{"app": name}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)),
			Containers:                    []corev1.Container{{Name: "app", Image: node.ToolsImage, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{"pause"}}},
		},
	}
	if connections != "" {
		template.Annotations = map[string]string{"serviceconnector.dev/connections": connections}
	}
	_, err := clients.AppsV1().Deployments("shop").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}, metav1.CreateOptions{})
	return err
}

func awaitDeployment(t *testing.T, name string, n int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		found, err := clients.AppsV1().Deployments("shop").Get(ctx, name, metav1.GetOptions{})
		return err == nil && found.Status.ReadyReplicas == n && found.Status.UpdatedReplicas == n, nil
	})
	if err != nil {
		said, _ := kubectl(t.Context(), "-n", "shop", "describe", "deployments,replicasets,pods", "-l", "app="+name)
		t.Fatalf("deployment %s does not run: %v\n%s", name, err, said)
	}
}

func removeDeployment(t *testing.T, name string) {
	t.Helper()
	if _, err := kubectl(t.Context(), "-n", "shop", "delete", "deployment", name, "--cascade=foreground"); err != nil {
		t.Error(err)
	}
}

// wantVariables fails the test unless the pods have the variables of orders-db.
func wantVariables(t *testing.T, name string, n int) []corev1.Pod {
	t.Helper()
	pods, err := clients.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil || len(pods.Items) != n {
		t.Fatalf("%d pods of %s, %v", len(pods.Items), name, err)
	}
	for _, pod := range pods.Items {
		from := pod.Spec.Containers[0].EnvFrom
		if len(from) == 0 || from[0].SecretRef == nil || from[0].SecretRef.Name != "sc-orders-db-secret" {
			t.Errorf("pod %s has %v", pod.Name, from)
		}
	}
	return pods.Items
}
