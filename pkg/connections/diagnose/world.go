// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// home is the namespace of the installation.
const home = "sc-system"

// World is what Doctor looks at: the cluster's objects, and the server itself.
// Explain and Validate need the objects only.
type World interface {
	client.Reader
	// Version returns the API server's version.
	Version() (*version.Info, error)
	// Allowed reports whether somebody may do something.
	Allowed(ctx context.Context, review authorizationv1.SubjectAccessReviewSpec) (bool, error)
}

// Cluster is the World of a real cluster.
type Cluster struct {
	client.Client
	Discovery discovery.ServerVersionInterface
}

// Version asks the server for its version.
func (c Cluster) Version() (*version.Info, error) { return c.Discovery.ServerVersion() }

// Allowed asks by a SubjectAccessReview.
func (c Cluster) Allowed(ctx context.Context, spec authorizationv1.SubjectAccessReviewSpec) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: spec}
	if err := c.Create(ctx, review); err != nil {
		return false, fmt.Errorf("asking what the service account may do: %w", err)
	}
	return review.Status.Allowed, nil
}

// pageSize is how many objects one page of a list holds.
const pageSize = 500

// pages lists objects page by page and hands each page to visit.
func pages[L client.ObjectList](ctx context.Context, r client.Reader, list L, visit func(L), options ...client.ListOption) error {
	token := ""
	for {
		all := append([]client.ListOption{client.Limit(pageSize), client.Continue(token)}, options...)
		if err := r.List(ctx, list, all...); err != nil {
			return err
		}
		visit(list)
		if token = list.GetContinue(); token == "" {
			return nil
		}
	}
}
