// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestGrowthOf(t *testing.T) {
	t.Parallel()
	for mebibytes, want := range map[uint64]int{0: 1000, 6: 200, 12: 100, 24: 50, 60: 50, 1000: 50} {
		if got := growthOf(mebibytes << 20); got != want {
			t.Errorf("a heap of %d MiB may grow by %d%%, want %d%%", mebibytes, got, want)
		}
	}
}
