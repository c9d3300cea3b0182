// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// A Deployment whose pods are unavailable is not rolling for that.
func TestRolling(t *testing.T) {
	deployment := func(generation int64, status appsv1.DeploymentStatus) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: generation}, Spec: appsv1.DeploymentSpec{Replicas: new(int32(2))}, Status: status}
	}
	for name, test := range map[string]struct {
		object client.Object
		want   bool
	}{
		"up":          {deployment(1, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}), false},
		"unavailable": {deployment(1, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2}), false},
		"not seen":    {deployment(2, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2}), true},
		"half way":    {deployment(1, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 1}), true},
		"old pods":    {deployment(1, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 2}), true},
		"a Job":       {&batchv1.Job{}, false},
	} {
		if got := Rolling(test.object); got != test.want {
			t.Errorf("%s: rolling is %t", name, got)
		}
	}
}
