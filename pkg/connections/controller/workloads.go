// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// workload names what a person looks at for a pod: its Deployment, StatefulSet
// and so on, else the pod itself.
type workload struct {
	apiVersion, kind, namespace, name string
	uid                               types.UID
}

func (w workload) reference() corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: w.apiVersion, Kind: w.kind, Namespace: w.namespace, Name: w.name, UID: w.uid}
}

// String returns kind/name, as kubectl takes it.
func (w workload) String() string { return strings.ToLower(w.kind) + "/" + w.name }

// hint says how a person has the pods of a workload replaced.
func (w workload) hint() string {
	switch {
	case w.rolls():
		return fmt.Sprintf("kubectl rollout restart %s -n %s", w, w.namespace)
	case w.kind == "Pod":
		return "delete it, and create it again"
	}
	return "delete its pods"
}

// rolls reports whether it is of a kind that replaces its pods by itself when its
// template changes.
func (w workload) rolls() bool {
	return w.apiVersion == appsv1.SchemeGroupVersion.String() && (w.kind == "Deployment" || w.kind == "StatefulSet" || w.kind == "DaemonSet")
}

// replaces reports whether it makes a new pod for one that is evicted, and holds
// it against nobody, as a Job would.
func (w workload) replaces() bool {
	return w.rolls() || w.kind == "ReplicaSet" || w.kind == "ReplicationController"
}

// workloads finds the workloads of pods. It asks for each ReplicaSet once.
type workloads struct {
	live  client.Reader
	known map[types.UID]workload
}

// of returns a pod's workload.
func (w *workloads) of(ctx context.Context, pod *metav1.PartialObjectMetadata) (workload, error) {
	controller := metav1.GetControllerOfNoCopy(pod)
	if controller == nil {
		return workload{"v1", "Pod", pod.Namespace, pod.Name, pod.UID}, nil
	}
	found := workload{controller.APIVersion, controller.Kind, pod.Namespace, controller.Name, controller.UID}
	if found.kind != "ReplicaSet" {
		return found, nil
	}
	if known, ok := w.known[found.uid]; ok {
		return known, nil
	}
	set := &metav1.PartialObjectMetadata{}
	set.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
	err := w.live.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: found.name}, set)
	switch outer := metav1.GetControllerOfNoCopy(set); {
	case apierrors.IsNotFound(err):
	case err != nil:
		return found, fmt.Errorf("reading ReplicaSet %s in namespace %s: %w", found.name, pod.Namespace, err)
	case outer != nil:
		found = workload{outer.APIVersion, outer.Kind, pod.Namespace, outer.Name, outer.UID}
	}
	w.known[controller.UID] = found
	return found, nil
}
