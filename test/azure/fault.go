// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	// Status answers Fault.Status and does nothing.
	Status FaultKind = iota
	// Hang neither does nor answers anything until the client gives up.
	Hang
	// ResetMidBody does what is asked, and ends in the middle of the answer.
	ResetMidBody
	// TokenExpired answers that the token is too old, whatever it is.
	TokenExpired
	// Slow does and answers what is asked, after Fault.Delay.
	Slow
)

// Fault is how requests fail.
type Fault struct {
	Kind FaultKind
	// Times is how often. Without it: until it is removed.
	Times int

	// Status, Code and Message are for the kind Status.
	Status        int
	Code, Message string
	// RetryAfter goes into Retry-After as whole seconds, and if it has a fraction,
	// into retry-after-ms and x-ms-retry-after-ms as milliseconds.
	RetryAfter time.Duration

	// Delay is for the kind Slow.
	Delay time.Duration
}

// Fail lets requests fail that match returns true for. Of several faults the one
// that was set first takes a request. The function returned removes the fault.
func (c *Cloud) Fail(match func(*http.Request) bool, f Fault) (remove func()) {
	return c.faults.add(&activeFault{Fault: f, match: match})
}

type activeFault struct {
	Fault
	match func(*http.Request) bool
	used  int
}

type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

func (f *faults) add(fault *activeFault) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = append(f.active, fault)
	return func() { f.remove(fault) }
}

func (f *faults) remove(fault *activeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(other *activeFault) bool { return other == fault })
}

// take returns the fault for a request, and counts it.
func (f *faults) take(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	active := slices.Clone(f.active)
	f.mu.Unlock()
	for _, fault := range active {
		// Without the lock, so that match may call the cloud.
		if fault.match(r) && f.use(fault) {
			return fault.Fault, true
		}
	}
	return Fault{}, false
}

func (f *faults) use(fault *activeFault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times > 0 && fault.used >= fault.Times {
		return false
	}
	fault.used++
	return true
}

const forever = time.Duration(math.MaxInt64)

// wait waits, and ends the request if the client gives up or the cloud stops.
func (c *Cloud) wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-r.Context().Done():
	case <-c.stopped:
	}
	panic(http.ErrAbortHandler)
}

// fail fails without doing anything.
func (c *Cloud) fail(w http.ResponseWriter, r *http.Request, call *call, f Fault) {
	switch f.Kind {
	case Hang:
		c.wait(r, forever)
	case TokenExpired:
		c.write(w, call, c.expired(c.options.Now()))
	default:
		c.write(w, call, f.answer())
	}
}

func (f Fault) answer() answer {
	a := failure(f.Status, f.Code, "%s", f.Message)
	if f.RetryAfter <= 0 {
		return a
	}
	if f.RetryAfter%time.Second == 0 {
		return a.with("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	ms := fmt.Sprint(f.RetryAfter.Milliseconds())
	return a.with("Retry-After-Ms", ms).with("X-Ms-Retry-After-Ms", ms)
}

// cut writes half of an answer and ends the connection or the stream.
func (c *Cloud) cut(w http.ResponseWriter, call *call, a answer) {
	if len(a.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		half := a
		half.body = a.body[:len(a.body)/2]
		c.write(w, call, half)
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}
