// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// LearnCluster takes in what a cluster has for the given namespaces: connections
// and labels. Service accounts that authors chose are read when they are asked
// for. Files that are
// learned afterwards replace what the cluster says.
func (w *World) LearnCluster(ctx context.Context, reader client.Reader, namespaces []string) error {
	var shared v1alpha1.ClusterConnectionList
	if err := reader.List(ctx, &shared); err != nil {
		return fmt.Errorf("listing ClusterConnections: %w", err)
	}
	for i := range shared.Items {
		w.learnClusterConnection(&shared.Items[i])
	}
	for _, name := range namespaces {
		var own v1alpha1.ConnectionList
		if err := reader.List(ctx, &own, client.InNamespace(name)); err != nil {
			return fmt.Errorf("listing Connections in namespace %q: %w", name, err)
		}
		for i := range own.Items {
			w.learnConnection(&own.Items[i])
		}
		var namespace corev1.Namespace
		switch err := reader.Get(ctx, client.ObjectKey{Name: name}, &namespace); {
		case err == nil:
			w.learnNamespace(name, namespace.Labels)
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("reading namespace %q: %w", name, err)
		}
	}
	w.accounts = func(ctx context.Context, namespace, name string) (metav1.Object, error) {
		var account corev1.ServiceAccount
		err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &account)
		return &account, err
	}
	return nil
}

// Namespaces returns the namespaces of the objects of these files that a webhook
// could be called for.
func (w *World) Namespaces(files []File) ([]string, error) {
	seen := map[string]bool{}
	var names []string
	for _, file := range files {
		for _, d := range file.documents {
			objects, err := d.objects(file.Name)
			if err != nil {
				return nil, err
			}
			for _, o := range objects {
				name := w.namespaceOf(o)
				if _, ok := injectable[o.kind]; ok && !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	return names, nil
}
