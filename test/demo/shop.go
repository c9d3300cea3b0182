// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	namespace = "shop"
	account   = "sc-account-11111111-2222-3333-4444-555555555555"
)

// shop is what is in the demo's namespace.
type shop struct {
	pods     []corev1.Pod
	secrets  []corev1.Secret
	accounts []corev1.ServiceAccount
}

// awaitShop looks until the shop is as it should be, and returns what it last saw.
func (d *demo) awaitShop(ctx context.Context, check func(shop) error) (shop, error) {
	var seen shop
	err := d.await(ctx, func(ctx context.Context) (err error) {
		if seen, err = look(ctx, d.objects); err != nil {
			return err
		}
		return check(seen)
	})
	return seen, err
}

func look(ctx context.Context, objects client.Reader) (shop, error) {
	var pods corev1.PodList
	if err := objects.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		return shop{}, err
	}
	ours := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	var secrets corev1.SecretList
	if err := objects.List(ctx, &secrets, client.InNamespace(namespace), ours); err != nil {
		return shop{}, err
	}
	var accounts corev1.ServiceAccountList
	if err := objects.List(ctx, &accounts, client.InNamespace(namespace), ours); err != nil {
		return shop{}, err
	}
	return shop{pods: pods.Items, secrets: secrets.Items, accounts: accounts.Items}, nil
}

// checkSamples returns nil if the shop holds exactly what the samples ask for.
func (s shop) checkSamples() error {
	orders, reports := 0, 0
	var errs []error
	for _, pod := range s.pods {
		switch {
		case pod.Labels["app"] == "orders":
			orders++
			errs = append(errs, checkOrders(pod))
		case pod.Labels["job-name"] == "nightly-report":
			reports++
			errs = append(errs, checkReport(pod))
		}
	}
	if orders != 2 || reports != 1 {
		errs = append(errs, fmt.Errorf("%d pods of the Deployment and %d of the Job, want 2 and 1", orders, reports))
	}
	if len(s.secrets) != 2 || len(s.accounts) != 1 {
		errs = append(errs, fmt.Errorf("%d Secrets and %d service accounts made, want 2 and 1", len(s.secrets), len(s.accounts)))
	}
	for _, secret := range s.secrets {
		if secret.Name == "sc-orders-db-secret" && !strings.Contains(string(secret.Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]), "host=orders.postgres.database.azure.com") {
			errs = append(errs, errors.New("the Secret of orders-db has no connection string"))
		}
	}
	return errors.Join(errs...)
}

func checkOrders(pod corev1.Pod) error {
	return checkPod(pod, "secret sc-orders-db-secret, secret sc-receipts-secret", account)
}

// checkPod returns nil if a pod's first container is given what it should, and the pod
// has workload identity with a service account.
func checkPod(pod corev1.Pod, want, account string) error {
	switch {
	case injected(pod.Spec.Containers[0]) != want:
		return fmt.Errorf("pod %s has %q, want %q", pod.Name, injected(pod.Spec.Containers[0]), want)
	case pod.Spec.ServiceAccountName != account:
		return fmt.Errorf("pod %s runs as %q", pod.Name, pod.Spec.ServiceAccountName)
	case pod.Labels[v1alpha1.LabelWorkloadIdentity] != "true":
		return fmt.Errorf("pod %s lacks the label %s", pod.Name, v1alpha1.LabelWorkloadIdentity)
	}
	return nil
}

func checkReport(pod corev1.Pod) error {
	report, shipper := injected(pod.Spec.Containers[0]), injected(pod.Spec.Containers[1])
	if report != "secret sc-orders-db-secret as SOURCE_*" || shipper != "" {
		return fmt.Errorf("pod %s has %q and %q", pod.Name, report, shipper)
	}
	return nil
}

// injected says which Secrets a container gets.
func injected(container corev1.Container) string {
	var sources []string
	for _, source := range container.EnvFrom {
		if source.SecretRef == nil {
			continue
		}
		text := "secret " + source.SecretRef.Name
		if source.Prefix != "" {
			text += " as " + source.Prefix + "*"
		}
		sources = append(sources, text)
	}
	return strings.Join(sources, ", ")
}

// print shows the shop at a glance. Of Secrets it shows keys, never values.
func (s shop) print(out io.Writer) {
	fmt.Fprintf(out, "\nInjected into the pods of namespace %s\n", namespace)
	for _, pod := range s.pods {
		fmt.Fprintf(out, "\n  pod %s\n", pod.Name)
		if pod.Spec.ServiceAccountName != "default" {
			fmt.Fprintf(out, "    service account  %s\n", pod.Spec.ServiceAccountName)
		}
		if value, ok := pod.Labels[v1alpha1.LabelWorkloadIdentity]; ok {
			fmt.Fprintf(out, "    label            %s=%s\n", v1alpha1.LabelWorkloadIdentity, value)
		}
		for _, container := range pod.Spec.Containers {
			fmt.Fprintf(out, "    %-16s %s\n", container.Name, orNothing(injected(container)))
		}
	}
	fmt.Fprintf(out, "\nProvisioned in namespace %s\n\n", namespace)
	for _, account := range s.accounts {
		fmt.Fprintf(out, "  service account  %s\n", account.Name)
	}
	for _, secret := range s.secrets {
		fmt.Fprintf(out, "  secret           %s\n", secret.Name)
		fmt.Fprintf(out, "                   from %s\n", secret.Annotations[v1alpha1.AnnotationOwner])
		fmt.Fprintf(out, "                   %s\n", strings.Join(slices.Sorted(maps.Keys(secret.Data)), ", "))
	}
}

func orNothing(text string) string {
	if text == "" {
		return "(nothing)"
	}
	return text
}
