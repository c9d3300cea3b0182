// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// A small heap has room for admissions, a large one grows by its share.
func TestGrowthOf(t *testing.T) {
	const mebibyte = 1 << 20
	for live, want := range map[uint64]int{0: 400, mebibyte: 400, 4 * mebibyte: 150, 12 * mebibyte: 50, 20 * mebibyte: growth, 200 * mebibyte: growth} {
		if got := growthOf(live); got != want {
			t.Errorf("a heap of %d MiB may grow by %d per cent, want %d", live/mebibyte, got, want)
		}
	}
}
