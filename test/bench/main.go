// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
)

// options are what the command is asked for.
type options struct {
	rounds, size int
	concurrency  []int
	scale        map[string]bool
	foreign      int
	pairs        []int
	without      map[string]bool
	out, goText  string
}

func main() {
	crlog.SetLogger(logr.Discard()) // a client that has none complains
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := &report{Size: o.size}
	if err := inWorld(ctx, contenders, func(w *world) error { return w.measure(ctx, o, r) }); err != nil {
		return err
	}
	if o.rounds > 0 {
		if err := inWorld(ctx, besideOthers(), func(w *world) error { return w.measureOthers(ctx, o, r) }); err != nil {
			return err
		}
	}
	return r.write(o.out)
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 30, "how many rounds are measured at each concurrency, four times as many with one pod at a time; 0 for none")
	flags.IntVar(&o.size, "block", 50, "how many pods of one contender are made in a row")
	concurrency := flags.String("concurrency", "1,8,26,64", "how many pods are made at a time")
	scale := flags.String("scale", strings.Join(scales, ","), "what is measured at scale; \"\" for nothing")
	flags.IntVar(&o.foreign, "foreign", 34_000, "how many Secrets, and as many service accounts and pods, of others the memory is measured against")
	pairs := flags.String("pairs", "1000,10000,100000", "at how many provisioned pairs the memory is measured")
	unwanted := flags.String("without", "", "which programs of others are left out, of "+strings.Join(rivals(), ",")+"; building them takes minutes at first")
	flags.StringVar(&o.out, "out", ".", "the folder of performance.md")
	flags.StringVar(&o.goText, "go", "", "a file with what the Go benchmarks printed, to take into the report")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.concurrency, err = numbers(*concurrency); err != nil {
		return o, fmt.Errorf("-concurrency: %w", err)
	}
	if o.pairs, err = numbers(*pairs); err != nil {
		return o, fmt.Errorf("-pairs: %w", err)
	}
	if o.rounds == 0 {
		o.concurrency = nil
	} else if o.rounds < 2 || o.size < 1 {
		return o, errors.New("-rounds must be 0, or 2 at least, -block 1")
	}
	if o.scale, err = names(*scale, scales); err != nil {
		return o, fmt.Errorf("-scale: %w", err)
	}
	if o.without, err = names(*unwanted, rivals()); err != nil {
		return o, fmt.Errorf("-without: %w", err)
	}
	return o, nil
}

// names reads a list of names, each of which must be one of those known.
func names(list string, known []string) (map[string]bool, error) {
	found := map[string]bool{}
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		if name = strings.TrimSpace(name); !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no %q; there are %s", name, strings.Join(known, ", "))
		}
		found[name] = true
	}
	return found, nil
}

func numbers(list string) ([]int, error) {
	var found []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number above 0", text)
		}
		found = append(found, n)
	}
	return found, nil
}

// say tells on standard error what is being done.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// attempts is how often a concurrency is measured until the null test shows no
// difference.
const attempts = 3

// untilQuiet runs all contenders at a concurrency. A run whose null test shows a
// difference is thrown away. It returns how many runs there were.
func (w *world) untilQuiet(ctx context.Context, concurrency int, o options, random *rand.Rand) (all blocks, runs int, err error) {
	rounds := o.roundsAt(concurrency)
	for runs = 1; ; runs++ {
		say("%d rounds of %d contenders, %d at a time", rounds, len(w.contenders), concurrency)
		all, err = w.run(ctx, concurrency, rounds, o.size, random, func(round int) {
			if round > 0 && round%10 == 0 {
				say("round %d", round)
			}
		})
		if err != nil {
			return nil, runs, err
		}
		if err = all.nothing(random); err == nil || runs == attempts {
			return all, runs, err
		}
		say("thrown away: %v", err)
	}
}

// roundsAt is how many rounds there are at a concurrency: more where one pod is made at
// a time, whose latency is held to a bound.
func (o options) roundsAt(concurrency int) int {
	if concurrency == 1 {
		return 4 * o.rounds
	}
	return o.rounds
}

// measure measures all that is asked for of the contenders of ours.
func (w *world) measure(ctx context.Context, o options, r *report) (err error) {
	r.Machine = w.machine(ctx)
	before, err := w.calls(ctx)
	if err != nil {
		return err
	}
	annotated := 0
	if r.Side, annotated, err = w.sideBySide(ctx, o, o.concurrency); err != nil {
		return err
	}
	after, err := w.calls(ctx)
	if err != nil {
		return err
	}
	r.Calls = after - before - annotated
	if o.goText != "" {
		raw, err := os.ReadFile(o.goText)
		if err != nil {
			return err
		}
		r.Go = string(raw)
	}
	return w.measureScale(ctx, o, r)
}

// measureOthers measures the programs of others.
func (w *world) measureOthers(ctx context.Context, o options, r *report) (err error) {
	if r.Absent, err = w.addRivals(ctx, o.without); err != nil || len(r.Absent) == len(others) {
		return err
	}
	for _, c := range w.contenders {
		if c.Rival != nil {
			r.Notes = append(r.Notes, c.What+": "+c.Rival.Note)
		}
	}
	few := slices.DeleteFunc(slices.Clone(o.concurrency), func(n int) bool { return n > 8 })
	if r.Others, _, err = w.sideBySide(ctx, o, few); err != nil {
		return err
	}
	r.Processes, err = w.processes()
	return err
}

// sideBySide measures the contenders at each concurrency, and counts the annotated pods
// that were made of each.
func (w *world) sideBySide(ctx context.Context, o options, concurrencies []int) (sides []side, annotated int, err error) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // draws of rounds, the same for the same figures
	for _, concurrency := range concurrencies {
		all, runs, err := w.untilQuiet(ctx, concurrency, o, random)
		annotated += runs * (o.roundsAt(concurrency) + 1) * o.size
		if err != nil {
			return sides, annotated, err
		}
		s := side{Concurrency: concurrency, Rounds: o.roundsAt(concurrency), Contenders: w.contenders, Figures: map[string]figures{}}
		for _, c := range w.contenders {
			s.Figures[c.Name] = all.figuresOf(c.Name, random)
		}
		s.Base = all.quantile(none, every(s.Rounds), .5)
		sides = append(sides, s)
	}
	return sides, annotated, nil
}

// scales are what can be measured at scale, in their order: the herd leaves
// replicas behind.
var scales = []string{"burst", "cold", "memory", "herd"}

func (w *world) measureScale(ctx context.Context, o options, r *report) error {
	if o.scale["burst"] {
		say("bursts of 5,000 pods")
		b, err := w.burst(ctx, 5000, 3)
		if err != nil {
			return err
		}
		r.Burst = &b
	}
	if o.scale["cold"] {
		say("the first pods of 1,000 namespaces")
		c, err := w.cold(ctx, 1000)
		if err != nil {
			return err
		}
		r.Cold = &c
	}
	if o.scale["memory"] {
		var err error
		if r.Holdings, err = w.holdings(ctx, o.pairs, o.foreign, func(what string) { say("%s", what) }); err != nil {
			return err
		}
	}
	if o.scale["herd"] {
		say("500 pods at the same moment in cold namespaces")
		h, err := w.herd(ctx, 500, 5)
		if err != nil {
			return err
		}
		r.Herd = &h
	}
	return nil
}

// write writes the report in its three forms.
func (r *report) write(folder string) error {
	text, err := r.markdown()
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if len(r.Side) > 0 {
		if files["performance.svg"], err = r.picture(); err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, "performance.md")
	page, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		page, err = []byte(startMark+endMark), nil
	}
	if err != nil {
		return err
	}
	replaced, err := replaceFigures(string(page), text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	files["performance.md"], files["performance.json"] = []byte(replaced), append(raw, '\n')
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil { //nolint:gosec // pages
			return err
		}
	}
	fmt.Println(text)
	return nil
}
