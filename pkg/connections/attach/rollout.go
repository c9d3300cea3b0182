// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Effect says what a changed pod template does to the pods of a workload, and
// whether there is anything to wait for.
func Effect(object client.Object) (text string, rolls bool) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		switch {
		case o.Spec.Paused:
			return fmt.Sprintf("the Deployment is paused: its pods change after kubectl rollout resume deployment/%s", o.Name), false
		case o.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
			return pods(replicas(o.Spec.Replicas), "stop", "stops") + ", then new ones start (Recreate)", true
		}
		return pods(replicas(o.Spec.Replicas), "roll", "rolls"), true
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return "pods change when they are deleted (OnDelete)", false
		}
		return pods(replicas(o.Spec.Replicas), "roll", "rolls") + ", one by one", true
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return "pods change when they are deleted (OnDelete)", false
		}
		return pods(o.Status.DesiredNumberScheduled, "roll", "rolls"), true
	case *batchv1.CronJob:
		return "the next run has it", false
	}
	return "new pods have it; running ones stay as they are until they are deleted", false
}

// pods returns a number of pods and what they do.
func pods(n int32, do, does string) string {
	if n == 1 {
		return "1 pod " + does
	}
	return fmt.Sprintf("%d pods %s", n, do)
}

// Progress reports whether a rollout is over, and how far it is.
func Progress(object client.Object) (done bool, text string) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return progress(o.Generation == o.Status.ObservedGeneration, replicas(o.Spec.Replicas), o.Status.UpdatedReplicas, o.Status.AvailableReplicas, o.Status.Replicas)
	case *appsv1.StatefulSet:
		return progress(o.Generation == o.Status.ObservedGeneration, replicas(o.Spec.Replicas), o.Status.UpdatedReplicas, o.Status.AvailableReplicas, o.Status.Replicas)
	case *appsv1.DaemonSet:
		wanted := o.Status.DesiredNumberScheduled
		return progress(o.Generation == o.Status.ObservedGeneration, wanted, o.Status.UpdatedNumberScheduled, o.Status.NumberAvailable, wanted)
	}
	return true, ""
}

// Rolling reports whether a workload is replacing its pods, or is about to. One
// whose pods are not available is not rolling for that.
func Rolling(object client.Object) bool {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return rolling(o.Generation == o.Status.ObservedGeneration, replicas(o.Spec.Replicas), o.Status.UpdatedReplicas, o.Status.Replicas)
	case *appsv1.StatefulSet:
		return rolling(o.Generation == o.Status.ObservedGeneration, replicas(o.Spec.Replicas), o.Status.UpdatedReplicas, o.Status.Replicas)
	case *appsv1.DaemonSet:
		wanted := o.Status.DesiredNumberScheduled
		return rolling(o.Generation == o.Status.ObservedGeneration, wanted, o.Status.UpdatedNumberScheduled, wanted)
	}
	return false
}

func rolling(seen bool, wanted, updated, present int32) bool {
	return !seen || updated < wanted || present > updated
}

func progress(seen bool, wanted, updated, available, present int32) (done bool, text string) {
	if !seen {
		return false, "waiting for the controller"
	}
	done = updated >= wanted && available >= wanted && present <= updated
	return done, fmt.Sprintf("%d of %d pods new, %d available", updated, wanted, available)
}

func replicas(wanted *int32) int32 {
	if wanted == nil {
		return 1
	}
	return *wanted
}
