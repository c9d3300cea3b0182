// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/bench/effect"
)

// patchInCEL is the constant patch as an expression, with what reads the Secret.
func patchInCEL(from string) string {
	steps := []string{
		fmt.Sprintf("JSONPatch{op: 'add', path: '/metadata/annotations/%s', value: '%s'}", escape(mutate.AnnotationInjected), effect.Record),
		fmt.Sprintf("JSONPatch{op: 'add', path: '/metadata/labels/%s', value: 'true'}", escape(mutate.LabelWorkloadIdentity)),
		fmt.Sprintf("JSONPatch{op: 'add', path: '/spec/serviceAccountName', value: '%s'}", effect.ServiceAccount),
	}
	for i := range effect.Pod().Spec.Containers {
		steps = append(steps, fmt.Sprintf("JSONPatch{op: 'add', path: '/spec/containers/%d/envFrom', value: [%s]}", i, from))
	}
	return "[" + strings.Join(steps, ", ") + "]"
}

// addPolicy has the API server do the same by itself.
func addPolicy(ctx context.Context, w *world, c contender) error {
	from := fmt.Sprintf("Object.spec.containers.envFrom{secretRef: Object.spec.containers.envFrom.secretRef{name: '%s'}}", effect.Secret)
	fail := admissionregistrationv1.Fail
	err := w.objects.Create(ctx, &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "bench"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy: &fail, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: podRules()[0]}}},
			Mutations: []admissionregistrationv1.Mutation{{PatchType: admissionregistrationv1.PatchTypeJSONPatch,
				JSONPatch: &admissionregistrationv1.JSONPatch{Expression: patchInCEL(from)}}},
		},
	})
	if err != nil {
		return err
	}
	return w.objects.Create(ctx, &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "bench",
			MatchResources: &admissionregistrationv1.MatchResources{NamespaceSelector: c.selector()}},
	})
}
