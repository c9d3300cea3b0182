// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var durations []time.Duration
	for i := range 100 {
		durations = append(durations, time.Duration(100-i)*time.Millisecond)
	}
	if got := quantile(durations, .5); got != 51_000 {
		t.Errorf("the median is %v", got)
	}
	if got := quantile(durations, .99); got != 100_000 {
		t.Errorf("p99 is %v", got)
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("got %v", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("got %v", got)
	}
}

// The interval of a figure holds the figure, and is a point where rounds agree.
func TestOverRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	pick := func(from []float64) func([]int) float64 {
		return func(rounds []int) float64 {
			var drawn []float64
			for _, r := range rounds {
				drawn = append(drawn, from[r])
			}
			return median(drawn)
		}
	}
	if got := overRounds(len(values), random, pick(values)); got.Value != 5 || got.Low >= 5 || got.High <= 5 || got.Low < 1 || got.High > 9 {
		t.Errorf("%+v", got)
	}
	if got := overRounds(3, random, pick([]float64{2, 2, 2})); got != (estimate{2, 2, 2}) {
		t.Errorf("%+v", got)
	}
}
