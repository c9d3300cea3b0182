// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/bench/effect"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// notServed is a label of namespaces in which Service Connector is not asked.
const notServed = "control-plane"

// patience is how long what must come is waited for.
const patience = 2 * time.Minute

// world is a control plane with contenders.
type world struct {
	plane   *cluster.Cluster
	product *product.Product
	clients kubernetes.Interface
	objects client.Client
	// contenders are those that are there.
	contenders []contender
}

// inWorld does something in a world of its own with contenders of ours.
func inWorld(ctx context.Context, list []contender, f func(*world) error) error {
	plane, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		return err
	}
	w := &world{plane: plane, contenders: list}
	if err = w.furnish(ctx); err == nil {
		err = f(w)
	}
	return errors.Join(err, plane.Stop())
}

func (w *world) furnish(ctx context.Context) (err error) {
	config := w.plane.Config()
	if w.clients, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if w.objects, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if w.product, err = product.Start(ctx, w.plane, product.Options{Args: []string{"--log-level", "info"}}); err != nil {
		return err
	}
	for _, c := range w.contenders {
		if err := w.add(ctx, c); err != nil {
			return fmt.Errorf("adding %s: %w", c.Name, err)
		}
	}
	return w.connect(ctx)
}

// add makes a contender's namespace, and what stands in the way of its pods.
func (w *world) add(ctx context.Context, c contender) error {
	if c.Namespace != "" {
		return nil
	}
	labels := map[string]string{benchLabel: c.Name}
	if c.Name != ours {
		labels[notServed] = "true"
	}
	if err := w.namespace(ctx, c.Name, labels); err != nil {
		return err
	}
	if c.Name != ours {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: c.Name, Name: effect.ServiceAccount}}
		if err := w.objects.Create(ctx, account); err != nil {
			return err
		}
	}
	if c.Add == nil {
		return nil
	}
	return c.Add(ctx, w, c)
}

// namespace makes a namespace that can take pods.
func (w *world) namespace(ctx context.Context, name string, labels map[string]string) error {
	err := w.objects.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	if err != nil {
		return err
	}
	err = w.objects.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}})
	if apierrors.IsAlreadyExists(err) {
		return nil // a controller was faster
	}
	return err
}

// connect makes the connection, and waits until every contender does the same.
func (w *world) connect(ctx context.Context) error {
	err := w.objects.Create(ctx, &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: ours, Name: effect.Connection}, Spec: identitySpec(effect.ClientID)})
	if err != nil {
		return err
	}
	for _, c := range w.contenders {
		if err := w.check(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// check waits until a contender does to its pods what is compared.
func (w *world) check(ctx context.Context, c contender) error {
	if c.Check == nil {
		return nil
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		pod := c.pod()
		found := w.objects.Create(ctx, namespaced(pod, c.where()))
		if found == nil {
			found = c.Check(pod)
		}
		if last == nil || ctx.Err() == nil { // the end of patience says nothing of why
			last = found
		}
		return found == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s does not do what is compared: %w", c.Name, last)
	}
	return nil
}

func namespaced(pod *corev1.Pod, namespace string) *corev1.Pod {
	pod.Namespace = namespace
	return pod
}

// identitySpec is a connection with workload identity.
func identitySpec(clientID v1alpha1.UUID) v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "receipts"}},
		Auth: v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity,
			WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID, TenantID: "99999999-0000-0000-0000-000000000000"}},
	}
}
