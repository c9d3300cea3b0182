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

// addPolicy has the API server do the same by itself.
func (w *world) addPolicy(ctx context.Context) error {
	steps := []string{
		fmt.Sprintf("JSONPatch{op: 'add', path: '/metadata/annotations/%s', value: '%s'}", escape(mutate.AnnotationInjected), effect.Record),
		fmt.Sprintf("JSONPatch{op: 'add', path: '/metadata/labels/%s', value: 'true'}", escape(mutate.LabelWorkloadIdentity)),
		fmt.Sprintf("JSONPatch{op: 'add', path: '/spec/serviceAccountName', value: '%s'}", effect.ServiceAccount),
	}
	for i := range effect.Pod().Spec.Containers {
		steps = append(steps, fmt.Sprintf("JSONPatch{op: 'add', path: '/spec/containers/%d/envFrom', value: [Object.spec.containers.envFrom{"+
			"secretRef: Object.spec.containers.envFrom.secretRef{name: '%s'}}]}", i, effect.Secret))
	}
	fail := admissionregistrationv1.Fail
	err := w.objects.Create(ctx, &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "bench"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy: &fail, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: podRules()[0]}}},
			Mutations: []admissionregistrationv1.Mutation{{PatchType: admissionregistrationv1.PatchTypeJSONPatch,
				JSONPatch: &admissionregistrationv1.JSONPatch{Expression: "[" + strings.Join(steps, ", ") + "]"}}},
		},
	})
	if err != nil {
		return err
	}
	return w.objects.Create(ctx, &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "bench",
			MatchResources: &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"bench": "policy"}}}},
	})
}
