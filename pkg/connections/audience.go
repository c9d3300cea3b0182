// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Audience reads allowedNamespaces: it matches the labels of the namespaces that
// are served. What cannot be read serves nobody, and is a problem.
func Audience(allowed v1alpha1.AllowedNamespaces) (labels.Selector, *Problem) {
	switch allowed.From {
	case v1alpha1.AllowedFromAll:
		return labels.Everything(), nil
	case v1alpha1.AllowedFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(allowed.Selector)
		if err != nil {
			return labels.Nothing(), problem(v1alpha1.ReasonIllegalSelector, "spec.allowedNamespaces.selector serves nobody: %v", err)
		}
		return selector, nil
	}
	return labels.Nothing(), problem(v1alpha1.ReasonIllegalSelector, "spec.allowedNamespaces.from %q serves nobody; write All or Selector", allowed.From)
}
