// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	// growthAtStart is by how many per cent the heap may grow before the collector
	// runs while all that exists arrives, which leaves more behind than it brings.
	growthAtStart = 10
	// room is how many bytes it may grow by afterwards, and growth by how many per
	// cent where that is more. Most of a large heap is the index, which stays; in a
	// small one, few bytes between two collections would make admissions wait.
	room   = 12 << 20
	growth = 50
	// measureEvery is how often the heap is measured for that.
	measureEvery = time.Minute
)

// growthOf returns by how many per cent a heap may grow of which so many bytes are in
// use.
func growthOf(live uint64) int {
	return max(growth, int(100*room/max(live, room/10))) //nolint:gosec // 1000 at most
}

// limitMemory keeps the heap small until all that existed at the start has arrived,
// gives back to the system what its arrival needed, and then gives admissions room. The
// environment's GOGC comes first.
func limitMemory(synced func() bool) func(context.Context) error {
	own := os.Getenv("GOGC") == ""
	if own {
		debug.SetGCPercent(growthAtStart)
	}
	return func(ctx context.Context) error {
		for wait := 100 * time.Millisecond; ; {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
			if wait < measureEvery {
				if !synced() {
					continue
				}
				debug.FreeOSMemory()
				wait = measureEvery
			}
			if own {
				debug.SetGCPercent(growthOf(live()))
			}
		}
	}
}

// live returns how many bytes of the heap were in use when it was last collected.
func live() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}
