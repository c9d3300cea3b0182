// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// node stands in for a node: it says of every pod of the shop that it is ready,
// until it is stopped. Nothing runs.
func (s *shop) node() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			list, err := clients.CoreV1().Pods(s.name).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Pending"})
			if err == nil {
				for _, pod := range list.Items {
					_, _ = clients.CoreV1().Pods(s.name).Patch(ctx, pod.Name, types.StrategicMergePatchType,
						[]byte(`{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}`), metav1.PatchOptions{}, "status")
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}

// workloads makes n Deployments, w0 and so on, that use a connection, and waits
// until they are up.
func (s *shop) workloads(n int, connection string, deadline int32) {
	s.t.Helper()
	for i := range n {
		name := fmt.Sprint("w", i)
		labels := map[string]string{"app": name}
		template := annotated(connection)
		err := objects.Create(s.t.Context(), &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name},
			Spec: appsv1.DeploymentSpec{
				ProgressDeadlineSeconds: &deadline,
				Selector:                &metav1.LabelSelector{MatchLabels: labels},
				Template:                corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: template.Annotations}, Spec: template.Spec},
			},
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.eventually("the workloads are up", func() bool {
		up := 0
		for _, d := range s.deployments() {
			if d.Status.AvailableReplicas == 1 && d.Status.ObservedGeneration == d.Generation {
				up++
			}
		}
		return up == n
	})
}

func (s *shop) deployments() []appsv1.Deployment {
	s.t.Helper()
	list, err := clients.AppsV1().Deployments(s.name).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// rolled names the Deployments that were rolled, and how often, by their
// generations: each began with 1.
func (s *shop) rolled() string {
	s.t.Helper()
	var list []string
	for _, d := range s.deployments() {
		if rolls := d.Generation - 1; rolls > 0 {
			list = append(list, fmt.Sprintf("%s:%d", d.Name, rolls))
		}
	}
	return strings.Join(list, " ")
}

// wantRolledOut waits until the RolledOut condition of a Connection has a reason,
// and returns its message.
func (s *shop) wantRolledOut(name, reason string) string {
	s.t.Helper()
	var message string
	s.eventually("connection "+name+" is "+reason, func() bool {
		var c v1alpha1.Connection
		if err := objects.Get(s.t.Context(), key(s.name, name), &c); err != nil {
			s.t.Fatal(err)
		}
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionRolledOut)
		if condition == nil || condition.Reason != reason {
			return false
		}
		message = condition.Message
		return true
	})
	return message
}

func (s *shop) automatic(window *v1alpha1.RolloutWindow) {
	s.t.Helper()
	s.credentials("creds", map[string]string{"password": "p"})
	spec := secretSpec("creds")
	spec.Rollout, spec.RolloutWindow = v1alpha1.RolloutAuto, window
	s.connect("orders", spec)
}

// What follows a change of credentials, side by side: each waits until they are
// read again.
func TestRotation(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"Secrets follow":                   rotatedCredentialsFollow,
		"stale workloads are reported":     staleWorkloadsAreReported,
		"a failed roll-out stops the rest": failedRolloutStopsTheRest,
		"a roll-out waits for its window":  rolloutWaitsForItsWindow,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// rollout: Never marks the workloads that run with earlier values, and leaves
// them to their owners.
func staleWorkloadsAreReported(t *testing.T) {
	s := newNamespace(t)
	defer s.node()()
	s.credentials("creds", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("creds"))
	s.workloads(1, "orders", 60)
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
	rotate(t, s.name, "creds", "rotated")

	message := s.wantRolledOut("orders", v1alpha1.ReasonStaleWorkloads)
	if !strings.Contains(message, "deployment/w0 in namespace "+s.name) {
		t.Errorf("the condition names no workload: %q", message)
	}
	event := s.wantOneEvent(v1alpha1.EventStaleValues, "w0")
	if !strings.Contains(event.Message, "kubectl rollout restart deployment/w0 -n "+s.name) {
		t.Errorf("the event does not say what to do: %q", event.Message)
	}
	if rolled := s.rolled(); rolled != "" {
		t.Errorf("rolled %s", rolled)
	}
	s.kubectl("rollout", "restart", "deployment/w0")
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
}

// rollout: Auto rolls the workloads a few at a time, each once for one change,
// whoever leads.
func TestWorkloadsAreRolledAFewAtATime(t *testing.T) {
	s := newNamespace(t)
	stop := s.node()
	s.automatic(nil)
	s.workloads(5, "orders", 600)
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
	stop() // from here on nothing gets ready
	rotate(t, s.name, "creds", "rotated")
	s.eventually("three roll", func() bool { return s.rolled() == "w0:1 w1:1 w2:1" })
	s.wantRolledOut("orders", v1alpha1.ReasonRollingOut)
	restart(t, installed.Kill)
	defer s.node()()
	s.eventually("all have rolled", func() bool { return s.rolled() == "w0:1 w1:1 w2:1 w3:1 w4:1" })
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
	if rolled := s.rolled(); rolled != "w0:1 w1:1 w2:1 w3:1 w4:1" {
		t.Errorf("rolled %s, want each once", rolled)
	}
	for _, d := range s.deployments() {
		s.wantOneEvent(v1alpha1.EventRollout, d.Name)
		if owners := managers(&d, v1alpha1.AnnotationRestarted); owners != v1alpha1.ManagedBy {
			t.Errorf("what was written belongs to %q", owners)
		}
	}
}

// managers names who owns an annotation of a template, by the managed fields.
func managers(object metav1.Object, annotation string) string {
	var found []string
	for _, entry := range object.GetManagedFields() {
		if entry.FieldsV1 != nil && strings.Contains(entry.FieldsV1.GetRawString(), `"f:`+annotation+`"`) {
			found = append(found, entry.Manager)
		}
	}
	return strings.Join(found, " ")
}

// A workload that does not come up ends the roll-out: no other is rolled.
func failedRolloutStopsTheRest(t *testing.T) {
	s := newNamespace(t)
	stop := s.node()
	s.automatic(nil)
	s.workloads(5, "orders", 2)
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
	stop()
	rotate(t, s.name, "creds", "rotated")
	s.wantRolledOut("orders", v1alpha1.ReasonRolloutFailed)
	event := s.wantOneEvent(v1alpha1.EventRolloutFailed, "w0")
	if !strings.Contains(event.Message, "kubectl rollout status deployment/w0 -n "+s.name) {
		t.Errorf("the event does not say what to look at: %q", event.Message)
	}
	if rolled := s.rolled(); rolled != "w0:1 w1:1 w2:1" {
		t.Errorf("rolled %s, want three", rolled)
	}
	// Once they have come up, the others follow.
	defer s.node()()
	s.eventually("all have rolled", func() bool { return s.rolled() == "w0:1 w1:1 w2:1 w3:1 w4:1" })
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
}

// Outside its window nothing is rolled.
func rolloutWaitsForItsWindow(t *testing.T) {
	s := newNamespace(t)
	defer s.node()()
	now := time.Now().UTC()
	s.automatic(&v1alpha1.RolloutWindow{Start: now.Add(2 * time.Hour).Format("15:04"), End: now.Add(3 * time.Hour).Format("15:04")})
	s.workloads(1, "orders", 60)
	rotate(t, s.name, "creds", "rotated")
	if message := s.wantRolledOut("orders", v1alpha1.ReasonRolloutWaiting); !strings.Contains(message, now.Add(2*time.Hour).Format("15:04")+" UTC") {
		t.Errorf("the condition does not say when: %q", message)
	}
	if rolled := s.rolled(); rolled != "" {
		t.Errorf("rolled %s", rolled)
	}
	s.kubectl("patch", "connection", "orders", "--type=json", "-p", `[{"op":"remove","path":"/spec/rolloutWindow"}]`)
	s.wantRolledOut("orders", v1alpha1.ReasonRolledOut)
	if rolled := s.rolled(); rolled != "w0:1" {
		t.Errorf("rolled %s", rolled)
	}
}
