// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"serviceconnector.dev/pkg/connections/cluster"
)

// What comes first in the queue of objects.
const (
	priorityRepair = 10
	priorityUpdate = 0
	priorityAudit  = -10
)

const (
	// auditPace is how many objects are looked at in a second for no other reason
	// than that edits may have been missed.
	auditPace = 20
	// auditEvery is how long after one audit the next begins.
	auditEvery = time.Hour
	// firstRetry and lastRetry are the shortest and the longest wait before what
	// failed is tried again.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// source feeds the queue of objects: with every change that the index sees, with
// all objects of a definition whose credentials changed, and, slowly, with all
// there are.
func (o *objects) source() source.TypedSource[target] {
	return source.TypedFunc[target](func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[target]) error {
		o.mu.Lock()
		o.queue = queue
		o.mu.Unlock()
		stop := o.index.Follow(func(change cluster.Change) {
			t := target{object: change.Object, owner: change.Owner}
			switch change.Cause {
			case cluster.CauseNew:
				if !o.current(t) {
					enqueue(queue, priorityUpdate, t)
				}
			case cluster.CauseObject:
				enqueue(queue, priorityRepair, t)
			default:
				enqueue(queue, priorityUpdate, t)
			}
		})
		for object, owner := range o.index.All() {
			if !o.index.Serves(owner, object.Namespace) {
				enqueue(queue, priorityUpdate, target{object: object, owner: owner})
			}
		}
		o.renderings.notify(func(owner, credentials string) {
			offer, _ := o.index.Definition(owner)
			for _, object := range o.index.Owned(owner) {
				if marks, _ := o.index.Object(object); offer.Binding != nil && !upToDate(object.Kind, marks, offer.Binding, credentials) {
					enqueue(queue, priorityUpdate, target{object: object, owner: owner})
				}
			}
		})
		go func() {
			defer stop()
			o.audit(ctx, queue)
		}()
		return nil
	})
}

// current reports whether the marks of an object say that it is as it should be.
func (o *objects) current(t target) bool {
	offer, _ := o.index.Definition(t.owner)
	credentials, known := o.renderings.credentials(t.owner)
	marks, present := o.index.Object(t.object)
	return present && known && offer.Binding != nil && offer.Binding.Needs(t.object) && o.index.Serves(t.owner, t.object.Namespace) &&
		upToDate(t.object.Kind, marks, offer.Binding, credentials)
}

// want has an object looked at that a running pod needs.
func (o *objects) want(t target) {
	o.mu.Lock()
	queue := o.queue
	o.mu.Unlock()
	if queue != nil {
		enqueue(queue, priorityAudit, t)
	}
}

// audit enqueues all objects, a few a second, again and again.
func (o *objects) audit(ctx context.Context, queue workqueue.TypedRateLimitingInterface[target]) {
	tick := time.NewTicker(time.Second / auditPace)
	defer tick.Stop()
	for {
		for object := range o.index.All() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if marks, ok := o.index.Object(object); ok { // still, and perhaps another's
					enqueue(queue, priorityAudit, target{object: object, owner: marks.Owner})
				}
			}
		}
		o.sweep()
		select {
		case <-ctx.Done():
			return
		case <-time.After(auditEvery):
		}
	}
}

// retries bounds how often what fails is tried again: soon at first, and never so
// late that people wait for it once they have mended the cause.
func retries[T comparable]() workqueue.TypedRateLimiter[T] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[T](firstRetry, lastRetry)
}

// enqueue adds an item with a priority.
func enqueue[T comparable](queue workqueue.TypedRateLimitingInterface[T], priority int, item T) {
	if q, ok := queue.(priorityqueue.PriorityQueue[T]); ok {
		q.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, item)
		return
	}
	queue.Add(item)
}
