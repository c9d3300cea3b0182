// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// recheckUsed is when to look again whether the last user of an object is gone,
	// and recheckUsedEach how much later for each other object that waits for that.
	recheckUsed     = 15 * time.Second
	recheckUsedEach = 100 * time.Millisecond
	// recheckLate is when to look again at a definition of which the index does not
	// know yet.
	recheckLate = 5 * time.Second
)

// leaver does what the deletion policy says with objects that no definition needs
// any more.
type leaver struct {
	index      *cluster.Index
	renderings *renderings
	keeper     Keeper
	live       client.Reader
	events     *events

	mu sync.Mutex
	// used are the objects that wait for their last user, each with the
	// resourceVersion at which that was told.
	used map[connections.Object]string
}

// leave hands an object over to another connection that uses it, leaves it to its
// namespace, or deletes it when its last user is gone.
func (l *leaver) leave(ctx context.Context, t target, marks cluster.Marks, present bool) (ctrl.Result, error) {
	if !present {
		l.waitsNoMore(t.object)
		return ctrl.Result{}, nil
	}
	switch late, err := l.late(ctx, t.owner); {
	case err != nil:
		return ctrl.Result{}, err
	case late:
		return ctrl.Result{RequeueAfter: recheckLate}, nil
	}
	if inherited, err := l.inherit(ctx, t); inherited || err != nil {
		l.waitsNoMore(t.object)
		return ctrl.Result{}, err
	}
	if marks.Delete {
		return l.remove(ctx, t, marks)
	}
	l.waitsNoMore(t.object)
	if err := l.keeper.Release(ctx, t.object, t.owner); err != nil {
		return ctrl.Result{}, err
	}
	l.say(ctx, t, marks, v1alpha1.EventRetained, fmt.Sprintf("stays, and is no longer kept up to date: %s does not need it here any more; delete it when nothing uses it", t.owner))
	return ctrl.Result{}, nil
}

// inherit hands an object over to another definition that needs it: one that
// shares a service account, or the one whose mark on it was edited.
func (l *leaver) inherit(ctx context.Context, t target) (bool, error) {
	heir := l.index.Heir(t.object, t.owner)
	if heir == nil {
		return false, nil
	}
	rendering, err := l.renderings.of(ctx, t.object, heir)
	if err != nil {
		return false, err
	}
	_, err = l.keeper.Keep(ctx, t.object, heir, rendering)
	if isForeign(err) {
		return false, nil // the definition would need one of that name, but this is another's
	}
	return err == nil, err
}

// remove deletes an object unless a pod still uses it.
func (l *leaver) remove(ctx context.Context, t target, marks cluster.Marks) (ctrl.Result, error) {
	_, name := connections.ParseOwner(t.owner)
	count, example, err := consumers(ctx, l.live, t.object, name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if count > 0 {
		again, told := l.waits(t.object)
		if told != marks.ResourceVersion && l.say(ctx, t, marks, v1alpha1.EventStillUsed, fmt.Sprintf(
			"will be deleted with its last user: %s does not need it here any more, but %d pods use it, such as %s", t.owner, count, example)) {
			l.saidWaits(t.object, marks.ResourceVersion)
		}
		return ctrl.Result{RequeueAfter: again}, nil
	}
	l.waitsNoMore(t.object)
	if err := l.keeper.Remove(ctx, t.object, marks.ResourceVersion); err != nil {
		return ctrl.Result{}, err
	}
	l.say(ctx, t, marks, v1alpha1.EventRemoved, fmt.Sprintf("is deleted: %s does not need it here any more, and nothing uses it", t.owner))
	return ctrl.Result{}, nil
}

// waits notes that an object waits for its last user, and returns for how long, and
// at which resourceVersion that was told, "" for never.
func (l *leaver) waits(object connections.Object) (again time.Duration, told string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told = l.used[object]
	l.used[object] = told
	return recheckUsed + time.Duration(len(l.used)-1)*recheckUsedEach, told
}

func (l *leaver) saidWaits(object connections.Object, resourceVersion string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[object] = resourceVersion
}

func (l *leaver) waitsNoMore(object connections.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.used, object)
}

// say tells of what becomes of an object, once for each state of it, and reports
// whether there is an event about it.
func (l *leaver) say(ctx context.Context, t target, marks cluster.Marks, reason, message string) bool {
	ctrl.LoggerFrom(ctx).Info(message, "kind", t.object.Kind, "namespace", t.object.Namespace, "name", t.object.Name, "reason", reason)
	return l.events.tell(ctx, happening{about: referenceTo(t.object, marks.UID), reason: reason, message: message, cause: marks.ResourceVersion})
}

// late reports whether a definition is there of which the index says that it is
// not: nothing is given up for a watch that is behind.
func (l *leaver) late(ctx context.Context, owner string) (bool, error) {
	if _, ok := l.index.Definition(owner); ok {
		return false, nil
	}
	return defined(ctx, l.live, owner)
}

// defined reports whether a definition is there, as the API server says now.
func defined(ctx context.Context, live client.Reader, owner string) (bool, error) {
	namespace, name := connections.ParseOwner(owner)
	if namespace == "" {
		return exists(ctx, live, client.ObjectKey{Name: name}, &v1alpha1.ClusterConnection{})
	}
	return exists(ctx, live, client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.Connection{})
}
