// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// By how many per cent the heap may grow before the collector runs: while all that
// exists arrives, which leaves more behind than it brings, and afterwards. Most of the
// heap is the index, which stays, and an admission leaves little: less than half of Go's
// default costs next to no processor time.
const (
	growthAtStart = 10
	growth        = 40
)

// limitMemory keeps the heap small until all that existed at the start has arrived,
// then gives back to the system what its arrival needed. The environment's GOGC comes
// first.
func limitMemory(synced func() bool) func(context.Context) error {
	own := os.Getenv("GOGC") == ""
	if own {
		debug.SetGCPercent(growthAtStart)
	}
	return func(ctx context.Context) error {
		for !synced() {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(100 * time.Millisecond):
			}
		}
		if own {
			debug.SetGCPercent(growth)
		}
		debug.FreeOSMemory()
		return nil
	}
}
