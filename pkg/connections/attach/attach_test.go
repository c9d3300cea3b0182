// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func TestAnnotate(t *testing.T) {
	for name, test := range map[string]struct {
		before  map[string]string
		change  Change
		after   map[string]string
		changed bool
	}{
		"first":      {nil, Change{Add: []string{"a", "b"}}, map[string]string{v1alpha1.AnnotationConnections: "a,b"}, true},
		"one more":   {map[string]string{v1alpha1.AnnotationConnections: "b, a"}, Change{Add: []string{"c"}}, map[string]string{v1alpha1.AnnotationConnections: "b,a,c"}, true},
		"there":      {map[string]string{v1alpha1.AnnotationConnections: "b, a"}, Change{Add: []string{"a"}}, map[string]string{v1alpha1.AnnotationConnections: "b, a"}, false},
		"one less":   {map[string]string{v1alpha1.AnnotationConnections: "b,a"}, Change{Remove: []string{"b"}}, map[string]string{v1alpha1.AnnotationConnections: "a"}, true},
		"never used": {map[string]string{"x": "y"}, Change{Remove: []string{"b"}}, map[string]string{"x": "y"}, false},
		"last one": {map[string]string{v1alpha1.AnnotationConnections: "b", v1alpha1.AnnotationEnvPrefix + "b": "B_", "x": "y"},
			Change{Remove: []string{"b"}}, map[string]string{"x": "y"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			after, changed := test.change.annotate(test.before)
			if diff := cmp.Diff(test.after, after); diff != "" || changed != test.changed {
				t.Errorf("changed %t, want %t; annotations (-want +got):\n%s", changed, test.changed, diff)
			}
		})
	}
}
