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
	// runs, while all that exists arrives, which leaves more behind than it brings.
	growthAtStart = 10
	// growth is that afterwards. Most of a large heap is the index, which stays, and an
	// admission leaves little.
	growth = 30
	// room is how many bytes it may grow by at least, those of some 700 admissions: to
	// look through a small heap costs the processor as much as 30 of them.
	room = 6 << 20
	// measureEvery is how often the heap is measured for that.
	measureEvery = time.Minute
)

// limitMemory keeps the heap small until all that existed at the start has arrived,
// then gives back to the system what its arrival needed, and gives admissions room. The
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
			if !synced() {
				continue
			}
			if wait < measureEvery {
				debug.FreeOSMemory()
				wait = measureEvery
			}
			if own {
				debug.SetGCPercent(growthOf(live()))
			}
		}
	}
}

// growthOf returns by how many per cent a heap may grow of which so many bytes are in
// use.
func growthOf(live uint64) int {
	return max(growth, int(100*room/max(live, room/4))) //nolint:gosec // 400 at most
}

// live returns how many bytes of the heap were in use when it was last collected.
func live() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}
