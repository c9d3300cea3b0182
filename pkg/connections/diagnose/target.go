// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Target names a pod or workload.
type Target struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String returns kind and name as kubectl writes them: deployment/orders.
func (t Target) String() string { return strings.ToLower(t.Kind) + "/" + t.Name }

// kinds are the names that people give to the kinds we know, as kubectl does.
var kinds = map[string]string{
	"po": "Pod", "pod": "Pod", "pods": "Pod",
	"deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment",
	"sts": "StatefulSet", "statefulset": "StatefulSet", "statefulsets": "StatefulSet",
	"ds": "DaemonSet", "daemonset": "DaemonSet", "daemonsets": "DaemonSet",
	"rs": "ReplicaSet", "replicaset": "ReplicaSet", "replicasets": "ReplicaSet",
	"job": "Job", "jobs": "Job",
	"cj": "CronJob", "cronjob": "CronJob", "cronjobs": "CronJob",
}

// ParseTarget reads TYPE/NAME or, for a pod, NAME.
func ParseTarget(namespace, text string) (Target, error) {
	kind, name, found := strings.Cut(text, "/")
	if !found {
		kind, name = "pod", text
	}
	group, _, _ := strings.Cut(strings.ToLower(kind), ".") // deployment.apps is a deployment
	known, isKnown := kinds[group]
	if !isKnown {
		return Target{}, fmt.Errorf("%q is no kind of workload; write one of %s", kind, strings.Join(KindNames(), ", "))
	}
	if name == "" || strings.Contains(name, "/") {
		return Target{}, fmt.Errorf("%q names no workload; write TYPE/NAME, such as deployment/orders", text)
	}
	return Target{Kind: known, Namespace: namespace, Name: name}, nil
}

// KindNames returns the kinds that a Target can have, in lower case, sorted.
func KindNames() []string {
	names := map[string]bool{}
	for _, kind := range kinds {
		names[strings.ToLower(kind)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// NewObject returns an empty object of a kind that a Target can have, or nil.
func NewObject(kind string) client.Object {
	switch kind {
	case "Pod":
		return &corev1.Pod{}
	case "Deployment":
		return &appsv1.Deployment{}
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "DaemonSet":
		return &appsv1.DaemonSet{}
	case "ReplicaSet":
		return &appsv1.ReplicaSet{}
	case "Job":
		return &batchv1.Job{}
	case "CronJob":
		return &batchv1.CronJob{}
	}
	return nil
}

// TemplateOf returns the pod template of a workload, or nil.
func TemplateOf(object client.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	}
	return nil
}

// selectorOf returns the selector of a workload's pods, or nil.
func selectorOf(object client.Object) *metav1.LabelSelector {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return o.Spec.Selector
	case *appsv1.StatefulSet:
		return o.Spec.Selector
	case *appsv1.DaemonSet:
		return o.Spec.Selector
	case *appsv1.ReplicaSet:
		return o.Spec.Selector
	case *batchv1.Job:
		return o.Spec.Selector
	}
	return nil
}

// jobTemplate returns the metadata of a CronJob's job template, or nil.
func jobTemplate(object client.Object) *metav1.ObjectMeta {
	if cron, ok := object.(*batchv1.CronJob); ok {
		return &cron.Spec.JobTemplate.ObjectMeta
	}
	return nil
}
