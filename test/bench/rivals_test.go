// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAboutPods(t *testing.T) {
	for name, test := range map[string]struct {
		groups, resources []string
		want              bool
	}{
		"pods":            {[]string{""}, []string{"pods"}, true},
		"everything":      {[]string{"*"}, []string{"*/*"}, true},
		"its subresource": {[]string{""}, []string{"secrets", "pods/exec"}, true},
		"another group":   {[]string{"apps"}, []string{"*"}, false},
		"other objects":   {[]string{""}, []string{"secrets"}, false},
	} {
		rule := admissionregistrationv1.RuleWithOperations{Rule: admissionregistrationv1.Rule{APIGroups: test.groups, Resources: test.resources}}
		if got := aboutPods(rule); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOfOne(t *testing.T) {
	for name, test := range map[string]struct {
		selector *metav1.LabelSelector
		want     bool
	}{
		"a contender":    {contender{Name: "kyverno"}.selector(), true},
		"nothing":        {nil, false},
		"all namespaces": {&metav1.LabelSelector{}, false},
		"another label":  {&metav1.LabelSelector{MatchLabels: map[string]string{"serves": "cold"}}, false},
	} {
		if got := ofOne(test.selector); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
