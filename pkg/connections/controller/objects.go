// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const (
	// keepers is how many objects are looked at at the same time.
	keepers = 8
	// recheckForeign is when to look again at an object that is not ours.
	recheckForeign = 10 * time.Minute
)

// target is an object and the definition that it is made from.
type target struct {
	object connections.Object
	owner  string
}

// objects keeps what was made for connections as it should be.
type objects struct {
	index      *cluster.Index
	renderings *renderings
	keeper     Keeper
	live       client.Reader
	events     *events
	meter      Meter
	failures   *failures
	contention *contention
	leaver     *leaver
	pace       *rate.Limiter
	// changed is called when a Secret of ours was brought up to date.
	changed func()

	mu sync.Mutex
	// queue is where what is to be looked at is put, from when the source starts.
	queue workqueue.TypedRateLimitingInterface[target]
	// seen holds the resourceVersion at which each object was found to be, or made,
	// as it should be.
	seen map[connections.Object]string
}

func newObjects(live client.Reader, seen *renderings, told *events, failing *failures, o Options) *objects {
	return &objects{
		index: o.Index, renderings: seen, keeper: o.Keeper, live: live, events: told, meter: o.Meter, failures: failing,
		contention: newContention(o.Now),
		leaver:     &leaver{index: o.Index, renderings: seen, keeper: o.Keeper, live: live, events: told, used: map[connections.Object]string{}},
		pace:       rate.NewLimiter(rate.Limit(o.Pace), keepers),
		changed:    func() {},
		seen:       map[connections.Object]string{},
	}
}

func (o *objects) setup(mgr ctrl.Manager) error {
	c, err := controller.NewTyped("objects", mgr, controller.TypedOptions[target]{
		Reconciler: o, MaxConcurrentReconciles: keepers, RateLimiter: retries[target](),
	})
	if err != nil {
		return fmt.Errorf("setting up the controller of objects: %w", err)
	}
	if err := c.Watch(o.source()); err != nil {
		return fmt.Errorf("setting up the controller of objects: %w", err)
	}
	return nil
}

// Reconcile brings one object to where it should be.
func (o *objects) Reconcile(ctx context.Context, t target) (ctrl.Result, error) {
	if _, name := connections.ParseOwner(t.owner); name == "" {
		// Made for no connection, such as the certificate authority; or that mark was edited.
		_, err := o.leaver.inherit(ctx, t)
		return ctrl.Result{}, err
	}
	marks, present := o.index.Object(t.object)
	if present && marks.Owner != t.owner || !o.index.Open(t.object.Namespace) {
		return ctrl.Result{}, nil // another target's, or nobody's any more
	}
	offer, _ := o.index.Definition(t.owner)
	served := o.index.Serves(t.owner, t.object.Namespace)
	switch {
	case !served, offer.Binding != nil && !offer.Binding.Needs(t.object):
		o.failures.note(t.owner, t.object, nil)
		if err := o.pace.Wait(ctx); err != nil {
			return ctrl.Result{}, err
		}
		return o.leaver.leave(ctx, t, marks, present)
	case offer.Binding == nil:
		return ctrl.Result{}, nil // its status says why; a change of the definition comes back here
	}
	o.leaver.waitsNoMore(t.object)
	return o.keep(ctx, t, marks, present, offer.Binding)
}

// keep puts an object back, or brings it up to date.
func (o *objects) keep(ctx context.Context, t target, marks cluster.Marks, present bool, b *connections.Binding) (ctrl.Result, error) {
	rendering, err := o.renderings.of(ctx, t.object, b)
	var problem *connections.Problem
	switch {
	case errors.As(err, &problem):
		return ctrl.Result{}, nil // its status says why, and renders it again
	case err != nil:
		return ctrl.Result{}, err
	case present && o.asSeen(t.object, marks.ResourceVersion) && upToDate(t.object.Kind, marks, b, credentialsOf(rendering)):
		return ctrl.Result{}, nil
	}
	if delay := o.contention.delay(t.object); delay > 0 {
		return ctrl.Result{RequeueAfter: delay}, nil
	}
	if !present {
		// Deleted with its definition, of which the index may not know yet, it stays so.
		if there, err := defined(ctx, o.live, t.owner); !there || err != nil {
			return ctrl.Result{}, err
		}
	}
	if present && !o.edited(t.object, marks.ResourceVersion) {
		if err := o.pace.Wait(ctx); err != nil {
			return ctrl.Result{}, err
		}
	}
	kept, err := o.keeper.Keep(ctx, t.object, b, rendering)
	o.failures.note(t.owner, t.object, err)
	if err != nil {
		return o.failed(ctx, t, present, err)
	}
	o.saw(t.object, kept.ResourceVersion)
	if kept.Outcome == provision.OutcomeOutdated {
		o.changed()
	}
	o.report(ctx, t, kept)
	return ctrl.Result{}, nil
}

// upToDate reports whether an object's marks are those it should have.
func upToDate(kind connections.Kind, marks cluster.Marks, b *connections.Binding, credentials string) bool {
	if marks.Delete != b.Deletes() {
		return false
	}
	if kind == connections.KindServiceAccount {
		return b.Identity != nil && connections.ParseIdentity(marks.Revision).AcceptedAs(*b.Identity)
	}
	return marks.Revision == b.Revision && marks.Credentials == credentials
}

// report tells of an object that was put back. Bringing one up to date is in the
// connection's status.
func (o *objects) report(ctx context.Context, t target, kept provision.Kept) {
	// Named by what was found, so that two that lead tell of it once.
	h := happening{about: referenceTo(t.object, kept.UID), cause: kept.Found}
	switch kept.Outcome {
	case provision.OutcomeMissing:
		o.meter.Repaired(t.object.Kind, "deleted", "made")
		h.reason, h.message = v1alpha1.EventRestored, fmt.Sprintf("was deleted, and is made again: %s needs it; delete or change that instead", t.owner)
	case provision.OutcomeEdited:
		o.meter.Repaired(t.object.Kind, "edited", "made")
		h.reason, h.message = v1alpha1.EventRepaired, fmt.Sprintf("was edited, and is put back: its content comes from %s; change that instead", t.owner)
	default:
		return
	}
	ctrl.LoggerFrom(ctx).Info("put back", "reason", h.reason, "kind", t.object.Kind, "namespace", t.object.Namespace, "name", t.object.Name, "owner", t.owner)
	o.events.tell(ctx, h)
	if o.contention.note(t.object) {
		h.warning, h.reason = true, v1alpha1.EventContended
		h.message = fmt.Sprintf("somebody keeps changing it against %s; it is put back less and less often; its managedFields name who writes", t.owner)
		o.events.tell(ctx, h)
	}
}

// failed says when to try again.
func (o *objects) failed(ctx context.Context, t target, present bool, err error) (ctrl.Result, error) {
	cause := "edited"
	if !present {
		cause = "deleted"
	}
	o.meter.Repaired(t.object.Kind, cause, "failed")
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		o.failures.note(t.owner, t.object, nil)
		return ctrl.Result{}, nil
	case isForeign(err):
		ctrl.LoggerFrom(ctx).Info("left alone", "namespace", t.object.Namespace, "reason", err.Error())
		return ctrl.Result{RequeueAfter: recheckForeign}, nil
	}
	return ctrl.Result{}, err
}

// isForeign reports whether an object was not written for being somebody else's.
func isForeign(err error) bool {
	var denial *mutate.Denial
	return errors.As(err, &denial) && denial.Reason == mutate.ReasonForeign
}

// asSeen reports whether an object is as it was when it was last seen to be right.
func (o *objects) asSeen(object connections.Object, resourceVersion string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[object] == resourceVersion
}

// edited reports whether an object was once seen to be right, and is different
// now.
func (o *objects) edited(object connections.Object, resourceVersion string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen, ok := o.seen[object]
	return ok && seen != resourceVersion
}

func (o *objects) saw(object connections.Object, resourceVersion string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[object] = resourceVersion
}

// sweep drops what is remembered of objects that are gone.
func (o *objects) sweep() {
	o.contention.sweep()
	o.mu.Lock()
	defer o.mu.Unlock()
	for object := range o.seen {
		if _, ok := o.index.Object(object); !ok {
			delete(o.seen, object)
		}
	}
}

// referenceTo names an object of ours for an event.
func referenceTo(object connections.Object, uid string) corev1.ObjectReference {
	version := "v1"
	if object.Kind == connections.KindProviderClass {
		version = "secrets-store.csi.x-k8s.io/v1"
	}
	return corev1.ObjectReference{APIVersion: version, Kind: string(object.Kind), Namespace: object.Namespace, Name: object.Name, UID: types.UID(uid)}
}
