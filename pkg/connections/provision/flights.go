// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"serviceconnector.dev/pkg/connections"
)

// maxFlights is how many objects are written at the same time. It bounds what
// a burst of new namespaces asks of the API server.
const maxFlights = 64

// flights runs one function an object at a time. Waiters may leave; the flight
// goes on.
type flights struct {
	group *singleflight.Group
	slots *semaphore.Weighted
	log   logr.Logger
}

func newFlights(log logr.Logger) flights {
	return flights{group: &singleflight.Group{}, slots: semaphore.NewWeighted(maxFlights), log: log}
}

// do runs fly for the object, or joins the flight that is under way, and waits
// for its end or the end of ctx. flown is the tag of the flight that ended: not
// the caller's own if it joined one that somebody began for another purpose, and
// nil if none ended.
func (f flights) do(ctx context.Context, object connections.Object, tag any, fly func(context.Context) error) (flown any, err error) {
	key := string(object.Kind) + "/" + object.Namespace + "/" + object.Name
	done := f.group.DoChan(key, func() (any, error) {
		flight, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
		defer cancel()
		if err := f.slots.Acquire(flight, 1); err != nil {
			return tag, err
		}
		defer f.slots.Release(1)
		return tag, f.safely(flight, fly)
	})
	select {
	case result := <-done:
		return result.Val, result.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s %q in namespace %q is still being made: %w", object.Kind, object.Name, object.Namespace, ctx.Err())
	}
}

// safely turns a panic of ours into an error: a flight is nobody's goroutine, so
// that a panic in it would end the process. The value of the panic is kept out,
// since it could hold anything.
func (f flights) safely(ctx context.Context, fly func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error(fmt.Errorf("panic of type %T", p), "recovered", "stack", string(debug.Stack()))
			err = errors.New("provisioning met a fault of Service Connector; its log has the stack")
		}
	}()
	return fly(ctx)
}
