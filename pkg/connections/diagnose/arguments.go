// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Arguments are how the webhook was installed: the flags of its command line and
// their values, as --azure-cluster and what follows its equals sign. They are empty
// where it is installed by no Deployment of a namespace.
type Arguments map[string]string

// ReadArguments reads the flags of the webhook in its namespace.
func ReadArguments(ctx context.Context, r client.Reader, namespace string) (Arguments, error) {
	var deployments appsv1.DeploymentList
	if err := r.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("reading how the webhook was installed: %w", err)
	}
	all := Arguments{}
	for _, d := range deployments.Items {
		for _, container := range d.Spec.Template.Spec.Containers {
			if container.Name != "webhook" {
				continue
			}
			for _, arg := range container.Args {
				name, value, _ := strings.Cut(arg, "=")
				all[name] = value
			}
		}
	}
	return all, nil
}

// has reports whether a flag is set.
func (a Arguments) has(name string) bool {
	value, ok := a[name]
	return ok && value != "false"
}
