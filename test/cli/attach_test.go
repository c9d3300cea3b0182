// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
)

// annotationOf reads the annotation of deployment/orders.
func annotationOf(t *testing.T, namespace string) string {
	t.Helper()
	return strings.TrimSpace(kubectl(t, "get", "deployment", "orders", "-n", namespace, "-o", `jsonpath={.metadata.annotations.serviceconnector\.dev/connections}`))
}

func TestUse(t *testing.T) {
	const namespace = "use-shop"
	shop(t, namespace)
	deployment(t, namespace, "", "")
	run := func(wantExit int, want string, args ...string) {
		t.Helper()
		out, problems, exit := kubectlConnection(t, append(args, "-n", namespace)...)
		if exit != wantExit || !strings.Contains(out+problems, want) {
			t.Errorf("%v: exit %d, said\n%s%s", args, exit, out, problems)
		}
	}
	run(1, `did you mean "orders-db"?`, "use", "orders-bd", "deployment/orders")
	run(1, "only new pods are injected", "use", "orders-db", "pod/orders")
	run(0, "(dry run)", "use", "orders-db", "deployment/orders", "--dry-run=client")
	run(0, "(dry run)", "use", "orders-db", "deployment/orders", "--dry-run=server")
	if got := annotationOf(t, namespace); got != "" {
		t.Errorf("after dry runs the annotation is %q", got)
	}
	run(0, "1 pod rolls", "use", "orders-db", "deployment/orders", "--wait=false")
	if got := annotationOf(t, namespace); got != "orders-db" {
		t.Errorf("the annotation is %q", got)
	}
	run(0, "unchanged", "use", "orders-db", "deployment/orders")
	run(1, "has not rolled after 3s", "use", "--force", "other", "deployment/orders", "--timeout=3s") // no kubelet makes the pods ready
	if got := annotationOf(t, namespace); got != "orders-db,other" {
		t.Errorf("the annotation is %q", got)
	}
	run(0, "uses orders-db", "unuse", "other", "deployment/orders", "--wait=false")
	run(0, "uses no connection", "unuse", "orders-db", "deployment/orders", "--wait=false")
	if got := annotationOf(t, namespace); got != "" {
		t.Errorf("the annotation is %q", got)
	}
}
