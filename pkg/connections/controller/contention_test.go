// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"serviceconnector.dev/pkg/connections"
)

func TestContention(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	c := newContention(func() time.Time { return now })
	object := connections.Object{Kind: connections.KindSecret, Namespace: "shop", Name: "s"}
	for repair, want := range []struct {
		enough bool
		delay  time.Duration
	}{{false, 0}, {false, 0}, {true, 10 * time.Second}, {false, 20 * time.Second}, {false, 40 * time.Second}} {
		if delay := c.delay(object); delay > 0 {
			now = now.Add(delay)
		}
		if enough := c.note(object); enough != want.enough {
			t.Errorf("repair %d: patience ends: %t, want %t", repair+1, enough, want.enough)
		}
		if delay := c.delay(object); delay != want.delay {
			t.Errorf("repair %d: the next waits %s, want %s", repair+1, delay, want.delay)
		}
	}
	for range 20 {
		now = now.Add(c.delay(object))
		c.note(object)
	}
	if delay := c.delay(object); delay != longestWait {
		t.Errorf("after many repairs the next waits %s, want %s", delay, longestWait)
	}
	now = now.Add(longestWait + calm + time.Second)
	c.sweep()
	if len(c.repairs) != 0 {
		t.Error("what is long past is remembered")
	}
	if c.note(object) || c.delay(object) != 0 {
		t.Error("an object that was left alone for long is not repaired at once")
	}
}
