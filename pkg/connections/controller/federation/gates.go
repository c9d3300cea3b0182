// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata/metadatainformer"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const (
	// heldAfter is when a pod has been waiting for too long.
	heldAfter = 2 * time.Minute
	// lookEvery is how often pods that wait are looked at for no other reason.
	lookEvery = 10 * time.Second
)

var podsResource = corev1.SchemeGroupVersion.WithResource("pods")

// runGates lets pods go that wait for nothing, until ctx ends. Of pods it sees those
// alone that are marked as waiting.
func (f *federation) runGates(ctx context.Context) error {
	ctx = ctrl.LoggerInto(ctx, ctrl.LoggerFrom(ctx).WithName("gates"))
	wake := make(chan struct{}, 1)
	look := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	stop := f.Index.Follow(func(cluster.Change) { look() })
	defer stop()
	stores := make([]toolscache.Store, len(f.Namespaces))
	var running sync.WaitGroup
	defer running.Wait()
	for n, namespace := range f.Namespaces {
		informer := metadatainformer.NewFilteredMetadataInformer(f.Pods, podsResource, namespace, 0, toolscache.Indexers{},
			func(options *metav1.ListOptions) { options.LabelSelector = v1alpha1.LabelGated + "=true" }).Informer()
		_, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: func(any) { look() }, UpdateFunc: func(_, _ any) { look() }})
		if err != nil {
			return fmt.Errorf("watching the pods that wait: %w", err)
		}
		stores[n] = informer.GetStore()
		running.Go(func() { informer.RunWithContext(ctx) })
	}
	for {
		for _, store := range stores {
			for _, object := range store.List() {
				if pod, ok := object.(*metav1.PartialObjectMetadata); ok {
					f.consider(ctx, pod)
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-time.After(lookEvery):
		}
	}
}

// consider lets a pod go if it waits for nothing, and tells of it otherwise.
func (f *federation) consider(ctx context.Context, pod *metav1.PartialObjectMetadata) {
	if pod.DeletionTimestamp != nil || !f.Ready() {
		return
	}
	b, err := f.waitsFor(ctx, pod)
	if err == nil && b == nil {
		err = f.lift(ctx, pod)
	}
	if err != nil {
		ctrl.LoggerFrom(ctx).Info("a pod that waits is looked at again", "namespace", pod.Namespace, "name", pod.Name, "reason", err.Error())
		return
	}
	if b != nil {
		f.tellWaiting(ctx, pod, b)
	}
}

// waitsFor returns the binding for which a pod waits; nil for none.
func (f *federation) waitsFor(ctx context.Context, pod *metav1.PartialObjectMetadata) (*connections.Binding, error) {
	for _, name := range slices.Sorted(maps.Keys(connections.Given(pod.Annotations))) {
		offer, ok := f.Index.Lookup(pod.Namespace, name)
		if !ok || offer.Binding == nil {
			continue // it is gone
		}
		if yes, _ := f.federates(offer.Binding); !yes {
			continue // it is the namespace's own to have trusted
		}
		waits, err := f.untrusted(ctx, pod.Namespace, offer.Binding.ServiceAccount)
		if err != nil {
			return nil, err
		}
		if waits {
			return offer.Binding, nil
		}
	}
	return nil, nil
}

// untrusted reports whether a service account of ours is not marked yet. Another's is
// its author's to be trusted.
func (f *federation) untrusted(ctx context.Context, namespace, name string) (bool, error) {
	marks, present := f.Index.Object(connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: name})
	if present {
		return marks.Credentials == "", nil
	}
	account := &corev1.ServiceAccount{}
	err := f.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, account)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading service account %q: %w", name, err)
	}
	return err != nil || account.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy, nil
}

// lift takes the gate off a pod.
func (f *federation) lift(ctx context.Context, pod *metav1.PartialObjectMetadata) error {
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q,"labels":{%q:null}},"spec":{"schedulingGates":[{"$patch":"delete","name":%q}]}}`,
		pod.UID, v1alpha1.LabelGated, mutate.SchedulingGate)
	target := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	err := f.client.Patch(ctx, target, client.RawPatch(types.StrategicMergePatchType, patch), client.FieldOwner(fieldOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("taking the gate off: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("let a pod go", "namespace", pod.Namespace, "name", pod.Name)
	return nil
}

func (f *federation) tellWaiting(ctx context.Context, pod *metav1.PartialObjectMetadata, b *connections.Binding) {
	about := corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}
	what := fmt.Sprintf("for Azure to trust service account %q, for connection %q", b.ServiceAccount, b.Definition.Name)
	if f.Now().Sub(pod.CreationTimestamp.Time) < heldAfter {
		f.Teller.Tell(ctx, about, v1alpha1.EventGated, "waits "+what+"; it is scheduled then", false, string(pod.UID))
		return
	}
	why := "see the condition Federated of the connection"
	if problem := f.problem(strings.ToLower(string(b.Identity.ClientID))); problem != nil {
		why = problem.Message
	}
	f.Teller.Tell(ctx, about, v1alpha1.EventGateHeld, "still waits "+what+": "+why, true, string(pod.UID)+why)
}
