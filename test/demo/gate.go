// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/azure/world"
)

// federates applies a Deployment, and shows its pod wait until Azure trusts it. The
// stand-in keeps the credential back until the pod was seen.
func (d *demo) federates(ctx context.Context, w *world.World) error {
	resume := w.Cloud.PauseWrites()
	defer resume()
	d.step("applying a Deployment with one annotation and nothing else; the stand-in holds its credential back until its pod is seen")
	if err := d.apply(ctx, "test/demo/azure/deployment.yaml"); err != nil {
		return err
	}
	pod, said, err := d.gated(ctx)
	if err != nil {
		return err
	}
	seen := time.Now()
	d.step("pod %s has the scheduling gate %s", pod.Name, mutate.SchedulingGate)
	d.step("  its event %s: %s", v1alpha1.EventGated, said)
	resume()
	trusted, err := d.trusted(ctx, w)
	if err != nil {
		return err
	}
	d.step("the federated credential is made, of the identity checkout")
	table(d.out, [][]string{{"name", trusted.Name}, {"issuer", trusted.Issuer}, {"subject", trusted.Subject}})
	d.step("waiting %s more, until Azure knows it everywhere (10s unless azure.federation.propagation is set)", propagation)
	if err := d.letGo(ctx, pod); err != nil {
		return err
	}
	d.step("the pod is let go, %s after it was seen waiting", time.Since(seen).Round(100*time.Millisecond))
	return nil
}

// gated waits for a pod that waits, and what its event says.
func (d *demo) gated(ctx context.Context) (pod corev1.Pod, said string, err error) {
	err = d.await(ctx, func(ctx context.Context) error {
		seen, err := look(ctx, d.objects)
		if err != nil {
			return err
		}
		if len(seen.pods) != 1 {
			return fmt.Errorf("%d pods, want 1", len(seen.pods))
		}
		if pod = seen.pods[0]; !waits(pod) {
			return fmt.Errorf("pod %s does not wait", pod.Name)
		}
		said, err = d.event(ctx, pod, v1alpha1.EventGated)
		return err
	})
	return pod, said, err
}

func waits(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.SchedulingGates, func(g corev1.PodSchedulingGate) bool { return g.Name == mutate.SchedulingGate })
}

// event returns what the event of a pod with a reason says.
func (d *demo) event(ctx context.Context, pod corev1.Pod, reason string) (string, error) {
	var events corev1.EventList
	if err := d.objects.List(ctx, &events, client.InNamespace(pod.Namespace)); err != nil {
		return "", err
	}
	for _, e := range events.Items {
		if e.Reason == reason && e.InvolvedObject.UID == pod.UID {
			return e.Message, nil
		}
	}
	return "", fmt.Errorf("pod %s has no event %s", pod.Name, reason)
}

// trusted waits for the one credential of the application's identity.
func (d *demo) trusted(ctx context.Context, w *world.World) (made azure.FederatedCredential, err error) {
	err = d.await(ctx, func(context.Context) error {
		all := w.Cloud.Credentials(appIdentity)
		if len(all) != 1 {
			return fmt.Errorf("the identity has %d federated credentials, want 1", len(all))
		}
		made = all[0]
		return nil
	})
	if err != nil {
		return made, err
	}
	subject := "system:serviceaccount:" + namespace + ":" + appAccount
	if made.Issuer != w.Issuer || made.Subject != subject || !slices.Equal(made.Audiences, []string{world.Audience}) {
		return made, fmt.Errorf("the federated credential is %+v, want issuer %s, subject %s, audience %s", made, w.Issuer, subject, world.Audience)
	}
	return made, nil
}

// letGo waits until a pod does not wait any more.
func (d *demo) letGo(ctx context.Context, pod corev1.Pod) error {
	return d.await(ctx, func(ctx context.Context) error {
		if err := d.objects.Get(ctx, client.ObjectKeyFromObject(&pod), &pod); err != nil {
			return err
		}
		if waits(pod) || pod.Labels[v1alpha1.LabelGated] != "" {
			return errors.New("the pod still waits")
		}
		return nil
	})
}
