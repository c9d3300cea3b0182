// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// workload is an object with a pod template.
type workload struct {
	kind   string
	object client.Object
}

func (w workload) target() Target {
	return Target{Kind: w.kind, Namespace: w.object.GetNamespace(), Name: w.object.GetName()}
}

// subject is what is explained, with all that belongs to it.
type subject struct {
	target Target
	// top is the outermost workload that we know; nil for a bare pod.
	top *workload
	// foreign is a controller above that, of a kind that we do not know.
	foreign *metav1.PartialObjectMetadata
	// pods are the subject's, newest first.
	pods []corev1.Pod
	// creators are the objects that create the pods; refusals are their events.
	creators  map[types.UID]bool
	namespace *corev1.Namespace
}

// loadSubject reads a target, what is above it and what is below.
func loadSubject(ctx context.Context, r client.Reader, target Target) (*subject, error) {
	s := &subject{target: target, creators: map[types.UID]bool{}, namespace: &corev1.Namespace{}}
	object, err := s.find(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := r.Get(ctx, client.ObjectKey{Name: target.Namespace}, s.namespace); err != nil {
		// Without the right to read it, its name is what is known.
		s.namespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: target.Namespace,
			Labels: map[string]string{corev1.LabelMetadataName: target.Namespace}}}
	}
	if pod, isPod := object.(*corev1.Pod); isPod {
		s.pods = []corev1.Pod{*pod}
	} else {
		s.top = &workload{kind: s.target.Kind, object: object}
		if err := s.descend(ctx, r, object); err != nil {
			return nil, err
		}
	}
	return s, s.climb(ctx, r, object)
}

// find reads the target. A pod that does not exist may have been refused: then
// its owner's events speak of it, and the owner is the target.
func (s *subject) find(ctx context.Context, r client.Reader) (client.Object, error) {
	object := NewObject(s.target.Kind)
	err := r.Get(ctx, client.ObjectKey{Namespace: s.target.Namespace, Name: s.target.Name}, object)
	if !apierrors.IsNotFound(err) {
		return object, wrap(err, "reading %s in namespace %q", s.target, s.target.Namespace)
	}
	if owner, found := refusedOwner(ctx, r, s.target); found {
		s.target = owner
		object = NewObject(owner.Kind)
		if err := r.Get(ctx, client.ObjectKey{Namespace: owner.Namespace, Name: owner.Name}, object); err == nil {
			return object, nil
		}
	}
	return nil, fmt.Errorf("there is no %s in namespace %q; a pod that was refused has no name: name its workload, such as deployment/orders",
		s.target, s.target.Namespace)
}

// climb goes up from an object to the outermost workload.
func (s *subject) climb(ctx context.Context, r client.Reader, object client.Object) error {
	for {
		owner := metav1.GetControllerOf(object)
		if owner == nil {
			return nil
		}
		parent := NewObject(owner.Kind)
		if parent == nil {
			s.foreign = partial(owner.APIVersion, owner.Kind)
			s.foreign.Name = owner.Name
			_ = r.Get(ctx, client.ObjectKey{Namespace: s.target.Namespace, Name: owner.Name}, s.foreign) // a kind one may not read
			return nil
		}
		s.creators[owner.UID] = true
		err := r.Get(ctx, client.ObjectKey{Namespace: s.target.Namespace, Name: owner.Name}, parent)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return wrap(err, "reading %s %q", owner.Kind, owner.Name)
		}
		s.top = &workload{kind: owner.Kind, object: parent}
		object = parent
	}
}

// descend finds the pods of a workload, and what creates them.
func (s *subject) descend(ctx context.Context, r client.Reader, object client.Object) error {
	s.creators[object.GetUID()] = true
	in := client.InNamespace(s.target.Namespace)
	switch object.(type) {
	case *appsv1.Deployment:
		if err := pages(ctx, r, &appsv1.ReplicaSetList{}, func(list *appsv1.ReplicaSetList) {
			for i := range list.Items {
				s.adopt(&list.Items[i])
			}
		}, in); err != nil {
			return wrap(err, "listing replica sets")
		}
	case *batchv1.CronJob:
		if err := pages(ctx, r, &batchv1.JobList{}, func(list *batchv1.JobList) {
			for i := range list.Items {
				s.adopt(&list.Items[i])
			}
		}, in); err != nil {
			return wrap(err, "listing jobs")
		}
	}
	return s.findPods(ctx, r, object)
}

// adopt counts a child among the creators.
func (s *subject) adopt(child client.Object) {
	if owner := metav1.GetControllerOf(child); owner != nil && s.creators[owner.UID] {
		s.creators[child.GetUID()] = true
	}
}

func (s *subject) findPods(ctx context.Context, r client.Reader, object client.Object) error {
	options := []client.ListOption{client.InNamespace(s.target.Namespace)}
	if selector, err := metav1.LabelSelectorAsSelector(selectorOf(object)); err == nil && !selector.Empty() && selectorOf(object) != nil {
		options = append(options, client.MatchingLabelsSelector{Selector: selector})
	}
	err := pages(ctx, r, &corev1.PodList{}, func(list *corev1.PodList) {
		for _, pod := range list.Items {
			if owner := metav1.GetControllerOf(&pod); owner != nil && s.creators[owner.UID] && pod.DeletionTimestamp == nil {
				s.pods = append(s.pods, pod)
			}
		}
	}, options...)
	slices.SortStableFunc(s.pods, func(a, b corev1.Pod) int {
		if c := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return wrap(err, "listing pods")
}

// newest is when the newest pod was created; zero without pods.
func (s *subject) newest() time.Time {
	if len(s.pods) == 0 {
		return time.Time{}
	}
	return s.pods[0].CreationTimestamp.Time
}

func partial(apiVersion, kind string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}}
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
