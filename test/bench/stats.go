// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// resamples is how often rounds are drawn anew for an interval.
const resamples = 1000

// estimate is a figure with the interval that holds 95 of 100 of its resamples.
type estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// overRounds computes a figure from rounds, and its interval by drawing as many
// rounds again and again, each as often as it comes.
func overRounds(rounds int, random *rand.Rand, figure func(rounds []int) float64) estimate {
	values := make([]float64, resamples)
	drawn := make([]int, rounds)
	for n := range values {
		for i := range drawn {
			drawn[i] = random.IntN(rounds)
		}
		values[n] = figure(drawn)
	}
	slices.Sort(values)
	return estimate{Value: figure(every(rounds)), Low: values[resamples*25/1000], High: values[resamples*975/1000]}
}

// every returns the numbers of all rounds.
func every(rounds int) []int {
	all := make([]int, rounds)
	for i := range all {
		all[i] = i
	}
	return all
}

// quantile returns that of durations, in microseconds. It sorts them.
func quantile(durations []time.Duration, q float64) float64 {
	slices.Sort(durations)
	i := min(len(durations)-1, int(q*float64(len(durations))))
	return microseconds(durations[i])
}

// median returns that of values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
