// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/databases"
	"serviceconnector.dev/test/node"
)

// A Deployment uses a real PostgreSQL and a real Redis with nothing but what the
// annotation injects.
func TestDatabases(t *testing.T) {
	if err := databases.Requirements(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := machine.LoadShop(ctx); err != nil {
		t.Fatal(err)
	}
	postgres, err := databases.StartPostgres(ctx, machine.Cluster, node.Address)
	if err != nil {
		t.Fatal(err)
	}
	redis, err := databases.StartRedis(ctx, machine.Cluster, node.Address)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, "real-postgres", "postgresql", postgres)
	connect(t, "real-redis", "redis-server", redis)
	deployShop(t)
	awaitShop(ctx, t)
	record("Deployment with a real PostgreSQL and Redis", "2 pods, each wrote and read a row and a key, by injected variables alone")

	install(t, "rollout.enabled=true")
	defer install(t)
	took := rotate(ctx, t, "real-postgres", postgres)
	awaitShop(ctx, t)
	record("rotation of the PostgreSQL password, rollout: Auto", "new pods with the new password run %.0f s after the Secret changed", took.Seconds())
}

// rotate changes the password of a server and of its credentials, and waits until
// the Deployment's pods are new ones.
func rotate(ctx context.Context, t *testing.T, connection string, s *databases.Server) time.Duration {
	t.Helper()
	if _, err := kubectl(ctx, "-n", "shop", "patch", "connection", connection, "--type=merge", "-p", `{"spec":{"rollout":"Auto"}}`); err != nil {
		t.Fatal(err)
	}
	if err := s.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(map[string]any{"stringData": map[string]string{"password": s.Password}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := clients.CoreV1().Secrets("shop").Patch(ctx, connection, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		pods, err := clients.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{LabelSelector: "app=shop"})
		if err != nil || len(pods.Items) != 2 {
			return false, nil
		}
		for i := range pods.Items {
			if pods.Items[i].CreationTimestamp.Time.Before(began.Truncate(time.Second)) || !podReady(&pods.Items[i]) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		said, _ := kubectl(context.WithoutCancel(ctx), "-n", "shop", "get", "connections,pods,events", "-o", "wide")
		t.Fatalf("the pods are not replaced: %v\n%s", err, said)
	}
	return time.Since(began)
}

// connect defines a Connection to a server.
func connect(t *testing.T, name, service string, s *databases.Server) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(machine.Cluster.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Name: name, Namespace: "shop"}
	for _, object := range []client.Object{
		&corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"password": s.Password}},
		&v1alpha1.Connection{ObjectMeta: meta, Spec: v1alpha1.ConnectionSpec{
			Target: v1alpha1.Target{Service: service, Parameters: map[string]v1alpha1.Parameter{
				"host": v1alpha1.Parameter(s.Host), "port": v1alpha1.Parameter(strconv.Itoa(s.Port)),
				"user": v1alpha1.Parameter(s.User), "database": v1alpha1.Parameter(s.Database),
			}},
			Client: "go",
			Auth:   v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: name}},
		}},
	} {
		if err := api.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// deployShop makes a Deployment whose pods have nothing but the annotation.
func deployShop(t *testing.T) {
	t.Helper()
	labels := map[string]string{"app": "shop"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{"serviceconnector.dev/connections": "real-postgres, real-redis"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "shop", Image: node.ShopImage, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{"serve"},
					ReadinessProbe: &corev1.Probe{
						ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}},
						PeriodSeconds: 1, TimeoutSeconds: 5,
					},
				}}},
			},
		},
	}
	if _, err := clients.AppsV1().Deployments("shop").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitShop waits until all pods are ready, and looks at what each read.
func awaitShop(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := machine.Cluster.Kubectl(ctx, "-n", "shop", "rollout", "status", "deployment/shop", "--timeout=1m"); err != nil {
		logs, _ := machine.Cluster.Kubectl(ctx, "-n", "shop", "logs", "-l", "app=shop", "--prefix")
		t.Fatalf("%v; the logs:\n%s", err, logs)
	}
	pods, err := clients.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{LabelSelector: "app=shop"})
	if err != nil || len(pods.Items) != 2 {
		t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	for _, pod := range pods.Items {
		if env := pod.Spec.Containers[0].Env; len(env) > 0 {
			t.Errorf("pod %s has variables of its own: %v", pod.Name, env)
		}
		got, err := machine.Cluster.Kubectl(ctx, "-n", "shop", "logs", pod.Name)
		if want := `{"row":"a row","key":"a key"}` + "\n"; err != nil || got != want {
			t.Errorf("pod %s says %q, %v; want %q", pod.Name, got, err, want)
		}
	}
}
