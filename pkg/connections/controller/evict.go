// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"maps"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// evictAtOnce is how many pods are evicted at most for each look at them.
	evictAtOnce = 10
	// forgetEvictions is how long a workload is remembered of which a pod was evicted.
	forgetEvictions = 24 * time.Hour
)

// evictor evicts pods that lack their connections, so that their workloads make
// new ones: one pod of a workload at a time, by the API that heeds disruption
// budgets, and not where the new one would be no better.
type evictor struct {
	// allowed says that this installation wants it at all.
	allowed       bool
	index         *cluster.Index
	client        client.Client
	live          client.Reader
	configuration string
	events        *events
	meter         Meter
	now           func() time.Time
	// evicted has when a pod of a workload was last evicted.
	evicted map[types.UID]time.Time
}

// heal evicts what it may.
func (e *evictor) heal(ctx context.Context, sights []*sight) {
	if !e.allowed {
		return
	}
	maps.DeleteFunc(e.evicted, func(_ types.UID, at time.Time) bool { return e.now().Sub(at) > forgetEvictions })
	served, left := e.served(ctx), evictAtOnce
	for _, seen := range sights {
		if left == 0 || ctx.Err() != nil {
			return
		}
		before, again := e.evicted[seen.workload.uid]
		if seen.lacking == 0 || !seen.curable || !seen.workload.replaces() || !served(seen.pod) ||
			again && seen.pod.CreationTimestamp.After(before) { // evicting did not help
			continue
		}
		left--
		e.evict(ctx, seen)
	}
}

func (e *evictor) evict(ctx context.Context, seen *sight) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: seen.pod.Namespace, Name: seen.pod.Name}}
	err := e.client.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &seen.pod.UID}},
	})
	if err != nil {
		e.meter.Evicted("refused")
		ctrl.LoggerFrom(ctx).Info("a pod could not be evicted, and is tried again", "namespace", pod.Namespace, "name", pod.Name, "reason", err.Error())
		return
	}
	e.meter.Evicted("evicted")
	e.evicted[seen.workload.uid] = e.now()
	e.events.tell(ctx, happening{about: seen.workload.reference(), reason: v1alpha1.EventEvicted, cause: string(seen.pod.UID),
		message: fmt.Sprintf("pod %s was evicted, so that one with %s takes its place", seen.pod.Name, names(seen.lacks))})
}

// served returns a function that says whether the webhook is asked about new pods
// in the place of a pod. Where that cannot be known, it is not.
func (e *evictor) served(ctx context.Context) func(*metav1.PartialObjectMetadata) bool {
	var present admissionregistrationv1.MutatingWebhookConfiguration
	if err := e.live.Get(ctx, client.ObjectKey{Name: e.configuration}, &present); err != nil {
		ctrl.LoggerFrom(ctx).Info("no pod is evicted", "reason", err.Error())
		return func(*metav1.PartialObjectMetadata) bool { return false }
	}
	return func(pod *metav1.PartialObjectMetadata) bool {
		for _, w := range present.Webhooks {
			if w.Name == v1alpha1.PodsWebhook {
				return selects(w.NamespaceSelector, e.index.Labels(pod.Namespace)) && selects(w.ObjectSelector, labels.Set(pod.Labels))
			}
		}
		return false
	}
}

func selects(selector *metav1.LabelSelector, set labels.Labels) bool {
	if selector == nil {
		return true
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}
