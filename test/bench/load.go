// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// together calls f with 0 to n-1, from a number of workers, and joins the errors.
func together(n, workers int, f func(i int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil && errs[worker] == nil {
					errs[worker] = err
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// podOf returns the pod of a contender as it is sent.
func podOf(c contender) ([]byte, error) {
	pod := c.pod()
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	return json.Marshal(pod)
}

// post makes an object from its JSON. The answer is read, and not decoded: what is
// measured shares its processors with who measures.
func (w *world) post(ctx context.Context, namespace, resource string, raw []byte) error {
	return w.clients.CoreV1().RESTClient().Post().Namespace(namespace).Resource(resource).
		SetHeader("Content-Type", "application/json").Body(raw).Do(ctx).Error()
}

// create makes pods with a number of workers, and returns how long each took.
func (w *world) create(ctx context.Context, namespace string, pods, workers int, raw []byte) ([]time.Duration, error) {
	latencies := make([]time.Duration, pods)
	err := together(pods, workers, func(i int) error {
		start := time.Now()
		err := w.post(ctx, namespace, "pods", raw)
		latencies[i] = time.Since(start)
		return err
	})
	return latencies, err
}

// clean deletes the pods of a namespace.
func (w *world) clean(ctx context.Context, namespace string) error {
	return w.objects.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(namespace), client.GracePeriodSeconds(0))
}

// count counts the objects of a kind in a namespace, "" for all, that match.
func (w *world) count(ctx context.Context, kind, namespace string, match func(*metav1.PartialObjectMetadata) bool) (int, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: kind + "List"})
	found := 0
	for {
		if err := w.objects.List(ctx, list, client.InNamespace(namespace), client.Limit(1000), client.Continue(list.Continue)); err != nil {
			return 0, err
		}
		for i := range list.Items {
			if match(&list.Items[i]) {
				found++
			}
		}
		if list.Continue == "" {
			return found, nil
		}
	}
}
