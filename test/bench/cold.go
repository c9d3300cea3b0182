// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/bench/effect"
)

// cold is the first pods of many namespaces, each of which gets a Secret, a service
// account and a pod.
type cold struct {
	Namespaces int `json:"namespaces"`
	Refused    int `json:"refused"`
	Secrets    int `json:"secrets"`
	Accounts   int `json:"serviceAccounts"`
	// Ours is Service Connector, asked for a pod. Bare is a loop that makes the three
	// objects itself, and Constant the same with the constant patch's webhook asked
	// for each pod: what any webhook costs.
	Ours     pace `json:"serviceConnector"`
	Bare     pace `json:"bareLoop"`
	Constant pace `json:"bareLoopWithF1"`
}

// pace is how fast namespaces got their first pod one way.
type pace struct {
	PerSecond float64 `json:"perSecond"`
	// Server and Webhook are the processor time of the API server and of the webhook
	// for one namespace, in microseconds.
	Server  float64 `json:"serverCPUMicroseconds"`
	Webhook float64 `json:"webhookCPUMicroseconds"`
}

// Ratio is the rate of Service Connector against the bare loop's.
func (c cold) Ratio() float64 { return c.Ours.PerSecond / c.Bare.PerSecond }

// way is a way to the first pod of a namespace.
type way struct {
	labels map[string]string
	// asked is whose webhook is.
	asked contender
	first func(ctx context.Context, namespace string) error
	// mayFail counts what is refused, instead of ending the run.
	mayFail bool

	took  time.Duration
	spent [2]time.Duration
}

// cold takes each way by turns, there and back: A B C C B A.
func (w *world) cold(ctx context.Context, namespaces int) (cold, error) {
	result := cold{Namespaces: namespaces}
	if err := w.share(ctx, "cold", effect.ClientID); err != nil {
		return result, err
	}
	provisioned, bare, constantly, err := w.ways()
	if err != nil {
		return result, err
	}
	half := namespaces / 2
	for turn, taken := range []*way{provisioned, bare, constantly, constantly, bare, provisioned} {
		refused, err := w.take(ctx, taken, fmt.Sprint("cold-", turn), half)
		if err != nil {
			return result, err
		}
		result.Refused += refused
	}
	for of, taken := range map[*pace]*way{&result.Ours: provisioned, &result.Bare: bare, &result.Constant: constantly} {
		n := float64(2 * half)
		*of = pace{PerSecond: n / taken.took.Seconds(), Server: microseconds(taken.spent[1]) / n, Webhook: microseconds(taken.spent[0]) / n}
	}
	made := func(object *metav1.PartialObjectMetadata) bool {
		return object.Annotations[v1alpha1.AnnotationOwner] == "ClusterConnection/cold"
	}
	if result.Secrets, err = w.count(ctx, "Secret", "", made); err != nil {
		return result, err
	}
	result.Accounts, err = w.count(ctx, "ServiceAccount", "", made)
	return result, err
}

func (w *world) ways() (provisioned, bare, constantly *way, err error) {
	pod, err := json.Marshal(annotatedPod("cold"))
	if err != nil {
		return nil, nil, nil, err
	}
	objects, err := bareObjects()
	if err != nil {
		return nil, nil, nil, err
	}
	three := func(ctx context.Context, namespace string) error { return w.makeBare(ctx, namespace, objects) }
	provisioned = &way{labels: map[string]string{"serves": "cold"}, asked: contender{Process: oursProcess}, mayFail: true,
		first: func(ctx context.Context, namespace string) error { return w.post(ctx, namespace, "pods", pod) }}
	bare = &way{labels: map[string]string{notServed: "true"}, first: three}
	constantly = &way{labels: map[string]string{notServed: "true", benchLabel: constant}, asked: contender{Process: constantProcess}, first: three}
	return provisioned, bare, constantly, nil
}

// take makes namespaces, then the first pod of each, which counts.
func (w *world) take(ctx context.Context, taken *way, name string, namespaces int) (refused int, err error) {
	namespace := func(i int) string { return fmt.Sprint(name, "-", i) }
	if err := together(namespaces, workers, func(i int) error { return w.namespace(ctx, namespace(i), taken.labels) }); err != nil {
		return 0, err
	}
	before, err := w.spent(taken.asked)
	if err != nil {
		return 0, err
	}
	failed := make([]bool, namespaces)
	start := time.Now()
	err = together(namespaces, workers, func(i int) error {
		err := taken.first(ctx, namespace(i))
		failed[i] = err != nil
		return err
	})
	taken.took += time.Since(start)
	if err != nil && !taken.mayFail {
		return 0, err
	}
	after, err := w.spent(taken.asked)
	for i := range after {
		taken.spent[i] += after[i] - before[i]
	}
	return trues(failed), err
}

// bareObjects are what a namespace gets, as one would write it by hand.
func bareObjects() (objects [3][]byte, err error) {
	account := corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{Name: effect.ServiceAccount}}
	secret := corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Name: effect.Secret},
		StringData: map[string]string{"AZURE_STORAGEBLOB_CLIENTID": effect.ClientID, "AZURE_STORAGEBLOB_RESOURCEENDPOINT": "https://receipts.blob.core.windows.net/"}}
	pod := effect.Pod()
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	effect.Apply(pod)
	for i, object := range []any{account, secret, pod} {
		if objects[i], err = json.Marshal(object); err != nil {
			return objects, err
		}
	}
	return objects, nil
}

func (w *world) makeBare(ctx context.Context, namespace string, objects [3][]byte) error {
	for i, resource := range []string{"serviceaccounts", "secrets", "pods"} {
		if err := w.post(ctx, namespace, resource, objects[i]); err != nil {
			return err
		}
	}
	return nil
}
