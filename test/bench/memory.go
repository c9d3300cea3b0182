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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// spaces is over how many namespaces the pairs are spread, and observed how long
// the memory is looked at after a start.
const (
	spaces   = 10_000
	observed = time.Minute
)

// holding is what the webhook holds with a number of pairs, a Secret and a service
// account each, after a restart.
type holding struct {
	Pairs   int `json:"pairs"`
	Foreign int `json:"foreign"`
	// Ready is how long it took to be ready, in seconds.
	Ready  float64 `json:"secondsToReady"`
	Memory memory  `json:"mebibytes"`
}

// holdings measures the memory with foreign objects and without, then with more and
// more pairs. progress is told what is done.
func (w *world) holdings(ctx context.Context, pairs []int, foreign int, progress func(string)) ([]holding, error) {
	var all []holding
	look := func(pairs, foreign int) error {
		progress(fmt.Sprintf("memory at %d pairs, %d foreign objects of each kind", pairs, foreign))
		h, err := w.hold(ctx)
		h.Pairs, h.Foreign = pairs, foreign
		all = append(all, h)
		return err
	}
	if err := look(0, 0); err != nil {
		return all, err
	}
	progress(fmt.Sprintf("making %d foreign objects of each kind", foreign))
	if err := w.makeForeign(ctx, foreign); err != nil {
		return all, err
	}
	if err := look(0, foreign); err != nil {
		return all, err
	}
	made := 0
	for _, n := range pairs {
		progress(fmt.Sprintf("making %d pairs", n-made))
		if err := w.makePairs(ctx, made, n); err != nil {
			return all, err
		}
		made = n
		if err := look(n, foreign); err != nil {
			return all, err
		}
	}
	return all, nil
}

// hold restarts the webhook and looks at its memory.
func (w *world) hold(ctx context.Context) (holding, error) {
	if err := w.product.Stop(); err != nil {
		return holding{}, err
	}
	start := time.Now()
	if err := w.product.Restart(ctx); err != nil {
		return holding{}, err
	}
	h := holding{Ready: time.Since(start).Seconds()}
	select {
	case <-ctx.Done():
		return h, ctx.Err()
	case <-time.After(observed):
	}
	var err error
	h.Memory, err = w.memory(oursProcess)
	return h, err
}

// makeForeign makes Secrets, service accounts and pods that are not ours.
func (w *world) makeForeign(ctx context.Context, n int) error {
	const each = 1000
	pod := corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{GenerateName: "p-"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app"}}}}
	secret := corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{GenerateName: "s-"},
		StringData: map[string]string{"password": "of somebody else"}}
	account := corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}
	for space := range (n + each - 1) / each {
		if err := w.namespace(ctx, fmt.Sprint("foreign-", space), map[string]string{notServed: "true"}); err != nil {
			return err
		}
	}
	for resource, object := range map[string]any{"pods": pod, "secrets": secret, "serviceaccounts": account} {
		raw, err := json.Marshal(object)
		if err != nil {
			return err
		}
		if err := together(n, workers, func(i int) error { return w.post(ctx, fmt.Sprint("foreign-", i/each), resource, raw) }); err != nil {
			return err
		}
	}
	return nil
}

// makePairs makes those from one number to another: the first of each connection by
// the webhook, the others as copies of that.
func (w *world) makePairs(ctx context.Context, from, to int) error {
	for connection := from / spaces; connection*spaces < to; connection++ {
		name := fmt.Sprint("pair-", connection)
		first, last := max(from, connection*spaces), min(to, (connection+1)*spaces)
		if first == connection*spaces {
			clientID := v1alpha1.UUID(fmt.Sprintf("aaaaaaaa-0000-0000-0000-%012d", connection+1))
			if err := w.sharePairs(ctx, name, clientID); err != nil {
				return err
			}
		}
		templates, err := w.templates(ctx, name)
		if err != nil {
			return err
		}
		err = together(last-first, workers, func(i int) error {
			return w.makePair(ctx, fmt.Sprintf("many-%05d", (first+i)%spaces), connection == 0, templates)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sharePairs makes a ClusterConnection for all namespaces of pairs, and a pod that
// has it provisioned in a namespace of its own.
func (w *world) sharePairs(ctx context.Context, name string, clientID v1alpha1.UUID) error {
	connection := &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec:    identitySpec(clientID),
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"serves": "pairs"}}},
	}}
	if err := w.objects.Create(ctx, connection); err != nil {
		return err
	}
	if _, err := w.plane.Kubectl(ctx, "wait", "--for=condition=Ready", "--timeout=60s", "clusterconnection/"+name); err != nil {
		return err
	}
	if err := w.namespace(ctx, "first-"+name, map[string]string{"serves": "pairs"}); err != nil {
		return err
	}
	raw, err := json.Marshal(annotatedPod(name))
	if err != nil {
		return err
	}
	return w.post(ctx, "first-"+name, "pods", raw)
}

// pair is what is copied, by resource.
type pair map[string][]byte

func (w *world) templates(ctx context.Context, name string) (pair, error) {
	var secrets corev1.SecretList
	var accounts corev1.ServiceAccountList
	selected := []client.ListOption{client.InNamespace("first-" + name), client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}
	if err := w.objects.List(ctx, &secrets, selected...); err != nil {
		return nil, err
	}
	if err := w.objects.List(ctx, &accounts, selected...); err != nil {
		return nil, err
	}
	if len(secrets.Items) != 1 || len(accounts.Items) != 1 {
		return nil, fmt.Errorf("%s has %d Secrets and %d service accounts, want one of each", name, len(secrets.Items), len(accounts.Items))
	}
	secret, account := secrets.Items[0], accounts.Items[0]
	secret.TypeMeta, account.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}
	secret.ObjectMeta, account.ObjectMeta = copied(secret.ObjectMeta), copied(account.ObjectMeta)
	p := pair{}
	for resource, object := range map[string]any{"secrets": secret, "serviceaccounts": account} {
		raw, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		p[resource] = raw
	}
	return p, nil
}

func copied(o metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: o.Name, Labels: o.Labels, Annotations: o.Annotations}
}

func (w *world) makePair(ctx context.Context, namespace string, first bool, objects pair) error {
	if first {
		if err := w.namespace(ctx, namespace, map[string]string{"serves": "pairs"}); err != nil {
			return err
		}
	}
	for resource, raw := range objects {
		if err := w.post(ctx, namespace, resource, raw); err != nil {
			return err
		}
	}
	return nil
}
