// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// rate is how many pods traffic creates in a second.
	rate = 50
	// trafficLimit bounds one stretch of traffic.
	trafficLimit = 5 * time.Minute
)

// traffic creates annotated pods at a steady rate, whatever becomes of them, and
// removes them again. No scheduler is theirs, so that none takes up the node.
type traffic struct {
	stop    func()
	stopped chan struct{}

	mu                        sync.Mutex
	created, refused, without int
	first, last               time.Time // of the refused
	complaint                 string    // the first one
}

// startTraffic begins to create pods; call end for what came of it.
func startTraffic(t *testing.T) *traffic {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), trafficLimit)
	s := &traffic{stop: cancel, stopped: make(chan struct{})}
	t.Cleanup(func() { s.end() })
	go s.run(ctx)
	return s
}

func (s *traffic) run(ctx context.Context) {
	defer close(s.stopped)
	var pending sync.WaitGroup
	defer pending.Wait()
	ticker := time.NewTicker(time.Second / rate)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// What is on its way when the traffic ends is still waited for.
			pending.Go(func() { s.create(context.WithoutCancel(ctx)) })
		}
	}
}

func (s *traffic) create(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pod, err := clients.CoreV1().Pods("shop").Create(ctx, pausing("traffic-", "orders-db"), metav1.CreateOptions{})
	s.count(pod, err)
	if err == nil {
		_ = clients.CoreV1().Pods("shop").Delete(ctx, pod.Name, metav1.DeleteOptions{}) // goes with the namespace otherwise
	}
}

func (s *traffic) count(pod *corev1.Pod, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.refused++
		s.last = time.Now()
		if s.refused == 1 {
			s.first, s.complaint = s.last, err.Error()
		}
	case len(pod.Spec.Containers[0].EnvFrom) != 1:
		s.without++
	default:
		s.created++
	}
}

// end ends the traffic. None may have come in without its connection.
func (s *traffic) end() *traffic {
	s.stop()
	<-s.stopped
	return s
}

// wantNoneRefused fails the test if a pod was refused, or came in without its
// connection.
func (s *traffic) wantNoneRefused(t *testing.T) {
	t.Helper()
	if s.refused > 0 {
		t.Errorf("%s; the first: %s", s, s.complaint)
	}
	s.wantNoneWithout(t)
}

func (s *traffic) wantNoneWithout(t *testing.T) {
	t.Helper()
	if s.without > 0 || s.created == 0 {
		t.Errorf("%s; %d came in without their connection", s, s.without)
	}
}

// String says what came of the traffic.
func (s *traffic) String() string {
	text := fmt.Sprintf("%d pods at %d/s, %d refused", s.created+s.refused+s.without, rate, s.refused)
	if s.refused > 1 {
		text += fmt.Sprintf(" within %.1f s", s.last.Sub(s.first).Seconds())
	}
	return text
}

// pausing returns a pod that no scheduler takes, with connections or without.
func pausing(prefix, connections string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: prefix},
		Spec: corev1.PodSpec{
			SchedulerName: "nobody",
			Containers:    []corev1.Container{{Name: "app", Image: "none"}},
		},
	}
	if connections != "" {
		pod.Annotations = map[string]string{"serviceconnector.dev/connections": connections}
	}
	return pod
}
