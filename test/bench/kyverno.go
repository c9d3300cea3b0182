// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"serviceconnector.dev/test/bench/effect"
	"serviceconnector.dev/test/cluster"
)

const (
	kyvernoVersion = "1.19.1"
	// kyvernoNamespace is where it is at home: pods are made in another.
	kyvernoNamespace = "kyverno-system"
	kyvernoService   = "kyverno-svc"
)

// kyverno is Kyverno's admission controller. The policy is of the kind that it
// recommends, and evaluated by its webhook.
var kyverno = rival{
	module: module{Path: "github.com/kyverno/kyverno", Version: "v" + kyvernoVersion, Package: "cmd/kyverno"},
	Note: "built from its module; the admission controller alone, with its defaults and its chart's log level and events, without admission reports, " +
		"resource filters and HTTP/2. One MutatingPolicy makes the same change, as the MutatingAdmissionPolicy does, with a JSONPatch in CEL.",
	Start: startKyverno,
}

func startKyverno(ctx context.Context, w *world, c contender, b built) error {
	if err := w.settleKyverno(ctx, c, b); err != nil {
		return err
	}
	ports, err := cluster.FreePorts(2)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	_, err = w.plane.Run(ctx, cluster.ProgramSpec{
		Name: c.Process, Path: b.Binary,
		Args: []string{
			"--kubeconfig=" + w.plane.Kubeconfig, "--serverIP=" + address, "--webhookServerHost=127.0.0.1", fmt.Sprintf("--webhookServerPort=%d", ports[0]),
			"--metricsHost=127.0.0.1", fmt.Sprintf("--metricsPort=%d", ports[1]), "--controllerRuntimeMetricsAddress=0",
			"--caSecretName=" + kyvernoService + "." + kyvernoNamespace + ".svc.kyverno-tls-ca",
			"--tlsSecretName=" + kyvernoService + "." + kyvernoNamespace + ".svc.kyverno-tls-pair",
			"--omitEvents=PolicyApplied,PolicySkipped", "--admissionReports=false", "--v=2",
		},
		Env: []string{
			"GODEBUG=http2server=0", // a Service is asked over HTTP/1.1
			"KYVERNO_NAMESPACE=" + kyvernoNamespace, "KYVERNO_POD_NAME=kyverno-0", "KYVERNO_DEPLOYMENT=kyverno", "KYVERNO_SVC=" + kyvernoService,
			"KYVERNO_SERVICEACCOUNT_NAME=kyverno", "KYVERNO_ROLE_NAME=kyverno", "INIT_CONFIG=kyverno", "METRICS_CONFIG=kyverno-metrics",
		},
		Ready: func(ctx context.Context) error { return answers(ctx, "https://"+address+"/health/readiness") },
	})
	if err != nil {
		return err
	}
	return w.objects.Create(ctx, mutatingPolicy(c))
}

// settleKyverno makes what is there before it starts: its kinds, its namespace and
// its settings.
func (w *world) settleKyverno(ctx context.Context, c contender, b built) error {
	folders := kyvernoKinds(b)
	if _, err := w.plane.Kubectl(ctx, append([]string{"apply", "--server-side"}, folders...)...); err != nil {
		return err
	}
	if _, err := w.plane.Kubectl(ctx, append([]string{"wait", "--for=condition=Established", "--timeout=60s"}, folders...)...); err != nil {
		return err
	}
	if err := w.namespace(ctx, kyvernoNamespace, map[string]string{notServed: "true"}); err != nil {
		return err
	}
	selected, err := json.Marshal(map[string]any{"namespaceSelector": c.selector()})
	if err != nil {
		return err
	}
	settings := map[string]map[string]string{
		"kyverno":         {"webhooks": string(selected), "excludeGroups": "system:nodes", "generateSuccessEvents": "false"},
		"kyverno-metrics": {},
	}
	for name, data := range settings {
		if err := w.objects.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: kyvernoNamespace, Name: name}, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

// kyvernoKinds are kubectl's arguments for its custom resource definitions.
func kyvernoKinds(b built) []string {
	var args []string
	for _, group := range []string{"kyverno", "policies.kyverno.io", "policyreport", "reports"} {
		args = append(args, "-f", filepath.Join(b.Source, "config", "crds", group))
	}
	return args
}

// mutatingPolicy makes the change to the pods of a contender's namespace. No rules
// are generated from it for what makes pods, and no MutatingAdmissionPolicy.
func mutatingPolicy(c contender) *unstructured.Unstructured {
	// A map: this version panics where an Object of CEL is in a list.
	from := fmt.Sprintf("{'secretRef': {'name': '%s'}}", effect.Secret)
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policies.kyverno.io/v1", "kind": "MutatingPolicy",
		"metadata": map[string]any{"name": "bench"},
		"spec": map[string]any{
			"failurePolicy": "Fail",
			"autogen": map[string]any{
				"podControllers":          map[string]any{"controllers": []any{}},
				"mutatingAdmissionPolicy": map[string]any{"enabled": false},
			},
			"matchConstraints": map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{benchLabel: c.Name}},
				"resourceRules": []any{map[string]any{
					"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"},
				}},
			},
			"mutations": []any{map[string]any{"patchType": "JSONPatch", "jsonPatch": map[string]any{"expression": patchInCEL(from)}}},
		},
	}}
}
