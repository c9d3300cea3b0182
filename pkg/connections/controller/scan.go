// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const (
	// scanWhileWrong is how often pods are looked at while some of them are not
	// as they should be.
	scanWhileWrong = time.Minute
	// scanAfterChange is how long after the last of the changes of Secrets pods
	// are looked at.
	scanAfterChange = 2 * time.Second
)

// scanner looks at all running pods now and then, page by page and at nothing but
// their metadata: which lack connections that they ask for, which hold earlier
// values, and which need an object that is gone.
type scanner struct {
	index      *cluster.Index
	live       client.Reader
	namespaces []string
	every      time.Duration
	events     *events
	meter      Meter
	evictor    *evictor
	roller     *roller
	want       func(target)
	wake       chan struct{}
	told       map[string]bool
}

func newScanner(mgr ctrl.Manager, told *events, kept *objects, behind *stale, o Options) *scanner {
	writer, live := mgr.GetClient(), mgr.GetAPIReader()
	return &scanner{
		index: o.Index, live: live, namespaces: o.Namespaces, every: o.ScanInterval, events: told, meter: o.Meter, want: kept.want,
		evictor: &evictor{allowed: o.Evict, index: o.Index, client: writer, live: live, configuration: o.Configuration,
			events: told, meter: o.Meter, now: o.Now, evicted: map[types.UID]time.Time{}},
		roller: &roller{allowed: o.Roll, index: o.Index, client: writer, live: live, events: told, meter: o.Meter,
			stale: behind, now: o.Now, failed: map[string]struct{}{}},
		wake: make(chan struct{}, 1), told: map[string]bool{},
	}
}

// changed has pods looked at soon.
func (s *scanner) changed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Start looks, until ctx ends.
func (s *scanner) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		wrong, err := s.look(ctx)
		if err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Info("the pods could not be looked at", "reason", err.Error())
		}
		pause := s.every
		if wrong || err != nil {
			pause = min(s.every, scanWhileWrong)
		}
		s.rest(ctx, pause)
	}
	s.meter.HalfConnected(0) // the next leader's to tell
	s.meter.StaleWorkloads(0)
	return nil
}

// rest rolls what is to be rolled, until it is time to look again.
func (s *scanner) rest(ctx context.Context, pause time.Duration) {
	next, roll := time.After(pause), time.NewTicker(rollEvery)
	defer roll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next:
			return
		case <-s.wake:
			next = time.After(scanAfterChange)
		case <-roll.C:
			s.roller.step(ctx)
		}
	}
}

// look looks at all pods once, and reports whether any is not as it should be.
func (s *scanner) look(ctx context.Context) (wrong bool, err error) {
	found := &survey{
		workloads: &workloads{live: s.live, known: map[types.UID]workload{}},
		sights:    map[workload]*sight{}, missing: map[target]struct{}{},
	}
	for _, namespace := range s.namespaces {
		if err := s.survey(ctx, namespace, found); err != nil {
			return false, err
		}
	}
	for t := range found.missing {
		s.want(t)
	}
	sights := found.sorted()
	s.report(ctx, sights)
	s.meter.HalfConnected(found.lacking)
	s.evictor.heal(ctx, sights)
	s.roller.take(ctx, sights)
	return len(sights) > 0, nil
}

func (s *scanner) survey(ctx context.Context, namespace string, found *survey) error {
	var failed error
	err := eachPod(ctx, s.live, namespace, alive(), func(pod *metav1.PartialObjectMetadata) {
		if pod.DeletionTimestamp != nil || failed != nil || !mutate.Present(pod.Annotations) || pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
			return
		}
		failed = found.add(ctx, pod, judge(pod, s.index))
	})
	return cmp.Or(err, failed)
}

// report tells of each workload once, for as long as it is wrong in the same way. What
// was over the bound of events is told after the next look.
func (s *scanner) report(ctx context.Context, sights []*sight) {
	told := map[string]bool{}
	tell := func(h happening) {
		name := nameOf(h)
		done, logged := s.told[name]
		if !logged {
			ctrl.LoggerFrom(ctx).Info(h.message, "reason", h.reason, "kind", h.about.Kind, "namespace", h.about.Namespace, "name", h.about.Name)
		}
		told[name] = done || s.events.tell(ctx, h)
	}
	for _, seen := range sights {
		w := seen.workload
		if seen.lacking > 0 {
			tell(happening{about: w.reference(), reason: v1alpha1.EventNotInjected, warning: true, cause: names(seen.lacks), message: fmt.Sprintf(
				"runs without %s, which its annotation asks for: Service Connector was not asked when its pod was created, or the annotation came later; have it replaced: %s",
				names(seen.lacks), w.hint())})
		}
		for _, owner := range slices.Sorted(maps.Keys(seen.stale)) {
			changed := seen.stale[owner].UTC().Format(time.RFC3339)
			tell(happening{about: w.reference(), reason: v1alpha1.EventStaleValues, cause: owner + changed, message: fmt.Sprintf(
				"runs with earlier values of %s, which changed at %s; to get the present ones: %s", owner, changed, w.hint())})
		}
	}
	s.told = told
}
