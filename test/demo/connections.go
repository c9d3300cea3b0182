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
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// linkers are the connections of azure/cloud.yaml as they should show in the cluster.
var linkers = []string{
	"shop jobs storage-queue Secret True Imported",
	"shop orders postgres-flexible Secret False CredentialsNotFound",
	"shop receipts storage-blob WorkloadIdentity True Imported",
}

// imports waits until the connections of Azure are those of the cluster, and shows them.
func (d *demo) imports(ctx context.Context) error {
	d.step("waiting for Azure's connections to appear as Connections")
	var seen v1alpha1.ConnectionList
	if err := d.await(ctx, func(ctx context.Context) error {
		if err := d.objects.List(ctx, &seen); err != nil {
			return err
		}
		return checkImported(seen.Items)
	}); err != nil {
		return err
	}
	rows := [][]string{{"NAMESPACE", "NAME", "SERVICE", "AUTH", "IMPORTED", "REASON"}}
	for _, c := range seen.Items {
		rows = append(rows, row(c))
	}
	table(d.out, rows)
	for _, c := range seen.Items {
		if said := imported(c); said.Status != metav1.ConditionTrue {
			d.step("Connection %s says what is missing: %s", c.Name, said.Message)
		}
	}
	return d.keys(ctx)
}

// keys shows where a key is that Azure does not show with the connection.
func (d *demo) keys(ctx context.Context) error {
	secret := &corev1.Secret{}
	if err := d.objects.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "sc-jobs-credentials"}, secret); err != nil {
		return err
	}
	if len(secret.Data) == 0 {
		return errors.New("no key of jobs was read")
	}
	d.step("the key of jobs was read from its target, into Secret %s: %s", secret.Name, strings.Join(slices.Sorted(maps.Keys(secret.Data)), ", "))
	return nil
}

// checkImported returns nil if connections are those of Azure, and ready but for one.
func checkImported(connections []v1alpha1.Connection) error {
	var have []string
	for _, c := range connections {
		have = append(have, strings.Join(row(c), " "))
		if imported(c).Status == metav1.ConditionTrue && !meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionReady) {
			return fmt.Errorf("connection %s is not ready", c.Name)
		}
	}
	slices.Sort(have)
	if !slices.Equal(have, linkers) {
		return fmt.Errorf("the Connections are [%s], want [%s]", strings.Join(have, ", "), strings.Join(linkers, ", "))
	}
	return nil
}

func row(c v1alpha1.Connection) []string {
	said := imported(c)
	return []string{c.Namespace, c.Name, c.Spec.Target.Service, string(c.Spec.Auth.Type), string(said.Status), said.Reason}
}

// imported returns the condition Imported.
func imported(c v1alpha1.Connection) metav1.Condition {
	if condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionImported); condition != nil {
		return *condition
	}
	return metav1.Condition{Status: metav1.ConditionUnknown, Reason: "-"}
}

// table writes rows in columns.
func table(out io.Writer, rows [][]string) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "    %s\n", strings.Join(row, "\t"))
	}
	_ = w.Flush()
}
