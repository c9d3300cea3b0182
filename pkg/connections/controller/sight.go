// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sight is what was seen of the pods of one workload.
type sight struct {
	workload workload
	// lacking is how many pods lack connections, lacks which the first does, and
	// pod which of them that is.
	lacking int
	lacks   []string
	pod     *metav1.PartialObjectMetadata
	curable bool
	// stale has the definitions of which pods hold earlier values, each with the
	// time of the change.
	stale map[string]time.Time
}

// survey collects what is seen of all pods.
type survey struct {
	workloads *workloads
	sights    map[workload]*sight
	// lacking is how many pods lack connections.
	lacking int
	missing map[target]struct{}
}

// add takes a pod in.
func (s *survey) add(ctx context.Context, pod *metav1.PartialObjectMetadata, v verdict) error {
	for _, t := range v.missing {
		s.missing[t] = struct{}{}
	}
	if len(v.lacks) == 0 && len(v.stale) == 0 {
		return nil
	}
	found, err := s.workloads.of(ctx, pod)
	if err != nil {
		return err
	}
	seen := s.sights[found]
	if seen == nil {
		seen = &sight{workload: found, stale: map[string]time.Time{}}
		s.sights[found] = seen
	}
	if len(v.lacks) > 0 {
		s.lacking++
		seen.lacking++
		if seen.pod == nil || pod.Name < seen.pod.Name {
			seen.pod, seen.lacks, seen.curable = pod.DeepCopy(), v.lacks, v.curable
		}
	}
	for owner, changed := range v.stale {
		if changed.After(seen.stale[owner]) {
			seen.stale[owner] = changed
		}
	}
	return nil
}

// sorted returns the sights by namespace and name.
func (s *survey) sorted() []*sight {
	list := make([]*sight, 0, len(s.sights))
	for _, seen := range s.sights {
		list = append(list, seen)
	}
	slices.SortFunc(list, func(a, b *sight) int {
		return cmp.Or(cmp.Compare(a.workload.namespace, b.workload.namespace), cmp.Compare(a.workload.kind, b.workload.kind), cmp.Compare(a.workload.name, b.workload.name))
	})
	return list
}
