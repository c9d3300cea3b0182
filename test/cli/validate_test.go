// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	const namespace = "validate-shop"
	shop(t, namespace)
	deployment(t, namespace, asks, "")
	validate := func(wantExit int, want string) {
		t.Helper()
		eventually(t, want, func() (bool, string) {
			out, problems, exit := kubectlConnection(t, "validate", "orders-db", "-n", namespace)
			return exit == wantExit && strings.Contains(strings.Join(strings.Fields(out), " "), want), out + problems
		})
	}
	validate(0, "up to date: 1")
	kubectl(t, "patch", "connection", "orders-db", "-n", namespace, "--type=merge", "-p", `{"spec":{"target":{"parameters":{"database":"sales"}}}}`)
	validate(2, "still runs with an older revision")
	kubectl(t, "delete", "secret", "credentials", "-n", namespace)
	validate(2, "credentials Failure CredentialsNotFound")
	if out, _, exit := kubectlConnection(t, "validate", "orders-bd", "-n", namespace); exit != 2 || !strings.Contains(strings.Join(strings.Fields(out), " "), `did you mean "orders-db"?`) {
		t.Errorf("exit %d, said\n%s", exit, out)
	}
}

func TestDoctor(t *testing.T) {
	out, problems, _ := kubectlConnection(t, "doctor")
	text := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		"server version OK", "CRDs OK", "webhook configuration OK", "webhook rules OK", "webhook matchConditions OK",
		"webhook caBundle OK", "runs outside the cluster", "AKS selector terms OK", "rights of the webhook OK",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s%s", want, out, problems)
		}
	}
	if _, problems, exit := kubectlConnection(t, "logs", "-A"); exit != 1 || !strings.Contains(problems, "the webhook does not run in this cluster") {
		t.Errorf("logs: exit %d, said %s", exit, problems)
	}
}
