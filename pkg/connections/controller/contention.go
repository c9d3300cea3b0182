// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	"serviceconnector.dev/pkg/connections"
)

const (
	// patience is how many repairs of one object in a row are made at once. After
	// that somebody is at work who will not stop.
	patience = 3
	// firstWait and longestWait bound the waits before further repairs, each twice
	// as long as the one before.
	firstWait   = 10 * time.Second
	longestWait = 10 * time.Minute
	// calm is how long an object must be left alone for its repairs to count anew.
	calm = 10 * time.Minute
)

// contention keeps the product from fighting another writer.
type contention struct {
	now func() time.Time

	mu      sync.Mutex
	repairs map[connections.Object]repairs
}

// repairs are those of one object in a row.
type repairs struct {
	count int
	last  time.Time
}

func newContention(now func() time.Time) *contention {
	return &contention{now: now, repairs: map[connections.Object]repairs{}}
}

// note counts a repair, and reports whether it is the one at which patience ends.
func (c *contention) note(object connections.Object) (enough bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.repairs[object]
	if c.now().Sub(r.last) > calm+wait(r.count) {
		r.count = 0
	}
	r.count++
	r.last = c.now()
	c.repairs[object] = r
	return r.count == patience
}

// delay returns how long to wait before an object may be repaired again.
func (c *contention) delay(object connections.Object) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.repairs[object]
	if !ok {
		return 0
	}
	return max(0, r.last.Add(wait(r.count)).Sub(c.now()))
}

// sweep drops what is long past.
func (c *contention) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for object, r := range c.repairs {
		if c.now().Sub(r.last) > calm+longestWait {
			delete(c.repairs, object)
		}
	}
}

// wait is how long to wait after so many repairs in a row.
func wait(count int) time.Duration {
	if count < patience {
		return 0
	}
	return min(longestWait, firstWait<<min(count-patience, 10))
}
