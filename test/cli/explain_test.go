// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// shop is a namespace with a connection and its credentials.
func shop(t *testing.T, namespace string) {
	t.Helper()
	apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: v1
kind: Secret
metadata: {name: credentials, namespace: %[1]s}
stringData: {password: not-a-real-password}
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata: {name: orders-db, namespace: %[1]s}
spec:
  target: {service: postgres-flexible, parameters: {server: orders, database: orders, user: app}}
  client: python
  auth: {type: Secret, secretRef: {name: credentials}}
`, namespace))
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=30s", "connection/orders-db", "-n", namespace)
}

// deployment applies a Deployment with annotations of its own and of its
// template.
func deployment(t *testing.T, namespace, own, template string) {
	t.Helper()
	apply(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: %s, annotations: {%s}}
spec:
  replicas: 1
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}, annotations: {%s}}
    spec:
      containers: [{name: orders, image: example.com/orders}]
`, namespace, own, template))
}

const asks = "serviceconnector.dev/connections: orders-db"

// cause explains a target until the cause is the check that is wanted.
func cause(t *testing.T, namespace, target, check, detail string) {
	t.Helper()
	eventually(t, "the cause is "+check, func() (bool, string) {
		out, problems, exit := kubectlConnection(t, "explain", target, "-n", namespace, "-o", "json")
		var explanation struct {
			Cause struct{ Check, Detail string } `json:"cause"`
		}
		if err := json.Unmarshal([]byte(out), &explanation); err != nil {
			return false, out + problems
		}
		met := exit == 2 && explanation.Cause.Check == check && strings.Contains(explanation.Cause.Detail, detail)
		return met, out
	})
}

func TestExplainFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault         func(t *testing.T, namespace string)
		target        string
		check, detail string
	}{
		"misspelt": {
			func(t *testing.T, namespace string) {
				deployment(t, namespace, "serviceconnector.dev/conections: orders-db", "")
			},
			"deployment/orders", "annotation", "which is not read",
		},
		"on-namespace": {
			func(t *testing.T, namespace string) {
				kubectl(t, "annotate", "namespace", namespace, "serviceconnector.dev/connections=orders-db")
				deployment(t, namespace, "", "")
			},
			"deployment/orders", "annotation", "namespace/",
		},
		"unknown": {
			func(t *testing.T, namespace string) {
				deployment(t, namespace, "serviceconnector.dev/connections: orders-bd", "")
			},
			"deployment/orders", "connection orders-bd", `did you mean "orders-db"?`,
		},
		"not-ready": {
			func(t *testing.T, namespace string) {
				kubectl(t, "patch", "connection", "orders-db", "-n", namespace, "--type=merge", "-p", `{"spec":{"auth":{"secretRef":{"name":"absent"}}}}`)
				deployment(t, namespace, asks, "")
			},
			"deployment/orders", "connection orders-db", "CredentialsNotFound",
		},
		"foreign-secret": {
			func(t *testing.T, namespace string) {
				kubectl(t, "create", "secret", "generic", "sc-orders-db-secret", "-n", namespace)
				deployment(t, namespace, asks, "")
			},
			"deployment/orders", "Secret sc-orders-db-secret", "was not made by Service Connector",
		},
		"template-wins": {
			func(t *testing.T, namespace string) {
				deployment(t, namespace, "serviceconnector.dev/connections: other", asks)
			},
			"deployment/orders", "copied to the template", "which wins over",
		},
		"paused": {
			func(t *testing.T, namespace string) {
				deployment(t, namespace, "", "")
				kubectl(t, "rollout", "pause", "deployment/orders", "-n", namespace)
				kubectl(t, "annotate", "deployment", "orders", "-n", namespace, "serviceconnector.dev/connections=orders-db")
			},
			"deployment/orders", "rollout", "is paused",
		},
		"refused-by-quota": {
			func(t *testing.T, namespace string) {
				kubectl(t, "create", "quota", "none", "-n", namespace, "--hard=pods=0")
				deployment(t, namespace, asks, "")
			},
			"deployment/orders", "refused pods", "exceeded quota",
		},
		"annotated-late": {
			func(t *testing.T, namespace string) {
				kubectl(t, "run", "bare", "-n", namespace, "--image=example.com/bare")
				kubectl(t, "wait", "--for=create", "pod/bare", "-n", namespace, "--timeout=30s")
				kubectl(t, "annotate", "pod", "bare", "-n", namespace, "serviceconnector.dev/connections=orders-db")
			},
			"bare", "pod bare", "was not injected",
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := "explain-" + name
			shop(t, namespace)
			test.fault(t, namespace)
			cause(t, namespace, test.target, test.check, test.detail)
		})
	}
}

func TestExplainInjected(t *testing.T) {
	shop(t, "explain-well")
	deployment(t, "explain-well", asks, "")
	eventually(t, "all is well", func() (bool, string) {
		out, problems, exit := kubectlConnection(t, "explain", "deployment/orders", "-n", "explain-well")
		for line := range strings.Lines(out) {
			if len(line) > 101 {
				t.Errorf("a line is longer than 100 columns: %s", line)
			}
		}
		return exit == 0 && strings.Contains(out, "All is well."), out + problems
	})
	if _, problems, exit := kubectlConnection(t, "explain", "deployment/absent", "-n", "explain-well"); exit != 1 || !strings.Contains(problems, "there is no deployment/absent") {
		t.Errorf("exit %d, said %s", exit, problems)
	}
}
