// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// block is what was measured while some pods of one contender were made.
type block struct {
	latencies       []time.Duration
	webhook, server time.Duration
}

// blocks are those of all rounds, by contender.
type blocks map[string][]block

// run makes blocks of pods, of each contender by turns, in another order each round.
func (w *world) run(ctx context.Context, concurrency, rounds, size int, random *rand.Rand, progress func(round int)) (blocks, error) {
	all := blocks{}
	for round := -1; round < rounds; round++ { // the first warms up
		progress(round + 1)
		// Not always behind the same neighbour, who leaves garbage to be collected.
		for _, i := range random.Perm(len(w.contenders)) {
			c := w.contenders[i]
			b, err := w.block(ctx, c, concurrency, size)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			if round >= 0 {
				all[c.Name] = append(all[c.Name], b)
			}
		}
		for _, c := range w.contenders {
			if err := w.clean(ctx, c.where()); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (w *world) block(ctx context.Context, c contender, concurrency, size int) (block, error) {
	raw, err := podOf(c)
	if err != nil {
		return block{}, err
	}
	before, err := w.spent(c)
	if err != nil {
		return block{}, err
	}
	latencies, err := w.create(ctx, c.where(), size, concurrency, raw)
	if err != nil {
		return block{}, err
	}
	after, err := w.spent(c)
	return block{latencies: latencies, webhook: after[0] - before[0], server: after[1] - before[1]}, err
}

// spent returns the processor time of a contender's process, and of the API
// server's.
func (w *world) spent(c contender) (times [2]time.Duration, err error) {
	if times[0], err = w.cpu(c.Process); err == nil {
		times[1], err = w.cpu(serverProcess)
	}
	return times, err
}

// figures are those of one contender at one concurrency. Times are in microseconds
// an admission.
type figures struct {
	// Added are p50, p90 and p99, less those of no webhook.
	Added [3]estimate `json:"addedMicroseconds"`
	// Ratio is the added p50 against that of the constant patch.
	Ratio estimate `json:"addedP50OverF1"`
	// CPU is that of the webhook's process, CPURatio the same against the constant
	// patch's, and Server what the API server takes more than without a webhook.
	CPU      estimate `json:"webhookCPUMicroseconds"`
	CPURatio estimate `json:"webhookCPUOverF1"`
	Server   estimate `json:"addedServerCPUMicroseconds"`
}

var quantiles = [3]float64{.5, .9, .99}

// figuresOf computes them. All that is compared is drawn from the same rounds.
func (b blocks) figuresOf(name string, random *rand.Rand) figures {
	rounds := len(b[name])
	over := func(figure func(rounds []int) float64) estimate { return overRounds(rounds, random, figure) }
	var f figures
	for i, q := range quantiles {
		f.Added[i] = over(func(rounds []int) float64 { return b.added(name, rounds, q) })
	}
	f.Ratio = over(func(rounds []int) float64 { return b.added(name, rounds, .5) / b.added(constant, rounds, .5) })
	f.CPU = over(func(rounds []int) float64 { return b.cpu(name, rounds) })
	f.CPURatio = over(func(rounds []int) float64 { return b.cpu(name, rounds) / b.cpu(constant, rounds) })
	f.Server = over(func(rounds []int) float64 { return b.server(name, rounds) - b.server(none, rounds) })
	return f
}

func (b blocks) added(name string, rounds []int, q float64) float64 {
	return b.quantile(name, rounds, q) - b.quantile(none, rounds, q)
}

func (b blocks) quantile(name string, rounds []int, q float64) float64 {
	var pooled []time.Duration
	for _, r := range rounds {
		pooled = append(pooled, b[name][r].latencies...)
	}
	return quantile(pooled, q)
}

func (b blocks) cpu(name string, rounds []int) float64 {
	return perPod(b[name], rounds, func(x block) time.Duration { return x.webhook })
}

func (b blocks) server(name string, rounds []int) float64 {
	return perPod(b[name], rounds, func(x block) time.Duration { return x.server })
}

func perPod(from []block, rounds []int, of func(block) time.Duration) float64 {
	var total time.Duration
	pods := 0
	for _, r := range rounds {
		total += of(from[r])
		pods += len(from[r].latencies)
	}
	return microseconds(total) / float64(pods)
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// nothing reports whether the null test shows no difference: the interval of what a
// second nothing adds holds zero, or it is a twentieth of what a constant patch adds
// at most, since an interval that holds 95 of 100 leaves out five.
func (b blocks) nothing(random *rand.Rand) error {
	added := b.figuresOf(again, random).Added[0]
	price := b.figuresOf(constant, random).Added[0].Value
	if added.Low <= 0 && added.High >= 0 || abs(added.Value) <= price/20 {
		return nil
	}
	return fmt.Errorf("nothing differs from nothing by %.0f µs (%.0f to %.0f), a constant patch by %.0f µs: something disturbs this machine, the run is of no use",
		added.Value, added.Low, added.High, price)
}

func abs(x float64) float64 { return max(x, -x) }
