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
			return fmt.Sprintf("all %d pods stop, then new ones start (Recreate)", replicas(o.Spec.Replicas)), true
		}
		return fmt.Sprintf("%d pods roll", replicas(o.Spec.Replicas)), true
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return "pods change when they are deleted (OnDelete)", false
		}
		return fmt.Sprintf("%d pods roll, one by one", replicas(o.Spec.Replicas)), true
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return "pods change when they are deleted (OnDelete)", false
		}
		return fmt.Sprintf("%d pods roll", o.Status.DesiredNumberScheduled), true
	case *batchv1.CronJob:
		return "the next run has it", false
	}
	return "new pods have it; running ones stay as they are until they are deleted", false
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
