// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/bench/effect"
)

// workers is how many make pods at a time in the scale runs.
const workers = 50

// burst is many pods at once on a connection that is provisioned.
type burst struct {
	Pods        int `json:"pods"`
	Refused     int `json:"refused"`
	NotInjected int `json:"notInjected"`
	// Seconds are of Service Connector's runs and of the constant patch's.
	Seconds  []float64 `json:"seconds"`
	Constant []float64 `json:"secondsOfF1"`
}

// Ratio is the time of Service Connector against the constant patch's.
func (b burst) Ratio() float64 { return sum(b.Seconds) / sum(b.Constant) }

func (w *world) burst(ctx context.Context, pods, runs int) (burst, error) {
	result := burst{Pods: pods}
	of := map[string]*[]float64{ours: &result.Seconds, constant: &result.Constant}
	for run := range runs {
		order := []string{ours, constant}
		if run%2 == 1 {
			slices.Reverse(order)
		}
		for _, name := range order {
			seconds, refused, err := w.wave(ctx, name, pods)
			if err != nil {
				return result, err
			}
			*of[name] = append(*of[name], seconds)
			if name != ours {
				continue
			}
			injected, err := w.count(ctx, "Pod", name, func(pod *metav1.PartialObjectMetadata) bool {
				return pod.Annotations[mutate.AnnotationInjected] != ""
			})
			if err != nil {
				return result, err
			}
			result.Refused += refused
			result.NotInjected += pods - refused - injected
		}
	}
	// What is measured next must not pay for them: an API server with many pods has
	// more garbage to look through.
	return result, errors.Join(w.clean(ctx, ours), w.clean(ctx, constant))
}

// wave makes pods in a contender's namespace, which is empty before.
func (w *world) wave(ctx context.Context, name string, pods int) (seconds float64, refused int, err error) {
	if err := w.clean(ctx, name); err != nil {
		return 0, 0, err
	}
	raw, err := podOf(contender{Name: name})
	if err != nil {
		return 0, 0, err
	}
	failed := make([]bool, pods)
	start := time.Now()
	_ = together(pods, workers, func(i int) error {
		failed[i] = w.post(ctx, name, "pods", raw) != nil
		return nil
	})
	return time.Since(start).Seconds(), trues(failed), nil
}

// share makes a ClusterConnection that serves the namespaces labelled with its name,
// and waits until it is ready.
func (w *world) share(ctx context.Context, name string, clientID v1alpha1.UUID) error {
	err := w.objects.Create(ctx, &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec:    identitySpec(clientID),
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"serves": name}}},
	}})
	if err != nil {
		return err
	}
	_, err = w.plane.Kubectl(ctx, "wait", "--for=condition=Ready", "--timeout=60s", "clusterconnection/"+name)
	return err
}

func annotatedPod(connections string) *corev1.Pod {
	pod := effect.Pod()
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	pod.Annotations[mutate.AnnotationConnections] = connections
	return pod
}

// herd is many pods at the same moment in namespaces that have nothing yet.
type herd struct {
	Pods       int `json:"pods"`
	Namespaces int `json:"namespaces"`
	Replicas   int `json:"replicas"`
	Refused    int `json:"refused"`
	// P50 and P99 are milliseconds, those of F1 with all pods in one namespace.
	P50         float64 `json:"p50Milliseconds"`
	P99         float64 `json:"p99Milliseconds"`
	ConstantP50 float64 `json:"p50MillisecondsOfF1"`
	ConstantP99 float64 `json:"p99MillisecondsOfF1"`
}

func (w *world) herd(ctx context.Context, pods, namespaces int) (herd, error) {
	result := herd{Pods: pods, Namespaces: namespaces, Replicas: 3}
	if err := w.share(ctx, "herd", effect.ClientID); err != nil {
		return result, err
	}
	if err := w.replicas(ctx, result.Replicas); err != nil {
		return result, err
	}
	raw, err := json.Marshal(annotatedPod("herd"))
	if err != nil {
		return result, err
	}
	plain, err := podOf(contender{Name: constant})
	if err != nil {
		return result, err
	}
	var all, others []time.Duration
	for n := range namespaces {
		name := fmt.Sprintf("herd-%d", n)
		if err := w.namespace(ctx, name, map[string]string{"serves": "herd"}); err != nil {
			return result, err
		}
		latencies, err := w.create(ctx, name, pods, pods, raw)
		if err != nil {
			result.Refused++
		}
		all = append(all, latencies...)
		if latencies, err = w.create(ctx, constant, pods, pods, plain); err != nil {
			return result, err
		}
		others = append(others, latencies...)
	}
	const milli = 1000
	result.P50, result.P99 = quantile(all, .5)/milli, quantile(all, .99)/milli
	result.ConstantP50, result.ConstantP99 = quantile(others, .5)/milli, quantile(others, .99)/milli
	return result, nil
}

func trues(list []bool) int {
	n := 0
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
