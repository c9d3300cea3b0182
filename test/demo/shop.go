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
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	namespace = "shop"
	account   = "sc-account-11111111-2222-3333-4444-555555555555"
)

// shop is what is in the samples' namespace.
type shop struct {
	pods     []corev1.Pod
	secrets  []corev1.Secret
	accounts []corev1.ServiceAccount
}

// await looks until the shop is as it should be, or time is up; then the error
// says what is missing.
func await(ctx context.Context, clients kubernetes.Interface, limit time.Duration) (shop, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		seen, err := look(ctx, clients)
		if err == nil {
			err = seen.check()
		}
		if err == nil {
			return seen, nil
		}
		select {
		case <-ctx.Done():
			return seen, fmt.Errorf("after %s: %w", limit, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func look(ctx context.Context, clients kubernetes.Interface) (shop, error) {
	ours := metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy}
	pods, err := clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return shop{}, err
	}
	secrets, err := clients.CoreV1().Secrets(namespace).List(ctx, ours)
	if err != nil {
		return shop{}, err
	}
	accounts, err := clients.CoreV1().ServiceAccounts(namespace).List(ctx, ours)
	if err != nil {
		return shop{}, err
	}
	return shop{pods: pods.Items, secrets: secrets.Items, accounts: accounts.Items}, nil
}

// check returns nil if the shop holds exactly what the samples ask for.
func (s shop) check() error {
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
	want := "secret sc-orders-db-secret, secret sc-receipts-secret"
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
