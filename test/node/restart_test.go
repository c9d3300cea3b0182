// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRestart(t *testing.T) {
	needsNode(t)
	before := look(t)
	n, clients := start(t, Options{SecretsStore: true})
	for _, name := range []string{"first", "second"} {
		pod := toolsPod(name, "serve", ":8080", name)
		pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
		create(t, clients, pod)
		awaitPhase(t, clients, name, corev1.PodRunning)
	}
	service, err := clients.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "first"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "first"}, Ports: []corev1.ServicePort{{Port: 8080}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("http://%s:8080/", service.Spec.ClusterIP)
	eventually(t, "an answer", healthy(url))
	old := map[int]string{}
	for _, p := range n.Cluster.Processes() {
		old[p.PID] = p.Name
	}

	begin := time.Now()
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("ready again after %.1f s", time.Since(begin).Seconds())

	for _, p := range n.Cluster.Processes() {
		if !p.Running || old[p.PID] != "" {
			t.Errorf("%s: running %t, process %d from before", p.Name, p.Running, p.PID)
		}
	}
	if got := len(n.Cluster.Processes()); got != len(old) {
		t.Errorf("%d processes, not %d", got, len(old))
	}
	for _, name := range []string{"first", "second"} {
		eventually(t, "the second run of "+name, func(ctx context.Context) error {
			pod, err := clients.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if status := pod.Status.ContainerStatuses[0]; status.RestartCount != 1 || !status.Ready {
				return errors.New(status.String())
			}
			return nil
		})
	}
	eventually(t, "an answer by the Service", healthy(url))
	t.Logf("pods are back after %.1f s", time.Since(begin).Seconds())
	// Neither image nor scheduler nor controllers are lost.
	if got := run(t, clients, toolsPod("after", "get", url)); got != "first\n" {
		t.Errorf("a new pod got %q", got)
	}
	stop(t, n)
	unchanged(t, before)
}
