// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// measured is a run in which pods take so many microseconds by contender, a little
// more in each round, and their webhooks a tenth of that.
func measured(rounds int, took map[string]int) blocks {
	all := blocks{}
	for _, c := range slices.Concat(contenders, others) {
		for round := range rounds {
			latency := time.Duration(took[c.Name]+round) * time.Microsecond
			all[c.Name] = append(all[c.Name], block{latencies: []time.Duration{latency, latency}, webhook: latency / 5, server: latency})
		}
	}
	return all
}

func draws() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) } //nolint:gosec // the same each time

var usual = map[string]int{none: 1000, again: 1000, "plain": 1000, "allow": 1500, "policy": 1600, constant: 2000, conditional: 2050, ours: 2100, "usual": 2600,
	"azure-workload-identity": 2700, "kyverno": 4000}

func TestFigures(t *testing.T) {
	all := measured(20, usual)
	f := all.figuresOf(ours, draws())
	if f.Added[0].Value != 1100 || f.Ratio.Value != 1.1 {
		t.Errorf("added %+v, ratio %+v", f.Added[0], f.Ratio)
	}
	if want := (2100. + 9.5) / 10; f.CPU.Value < want-.1 || f.CPU.Value > want+.1 {
		t.Errorf("CPU %+v, want %v", f.CPU, want)
	}
	if f.Server.Value != 550 {
		t.Errorf("the API server's CPU %+v", f.Server)
	}
	if f.Added[0].Low > f.Added[0].Value || f.Added[0].High < f.Added[0].Value {
		t.Errorf("an interval without its figure: %+v", f.Added[0])
	}
}

// A run in which nothing differs from nothing is of no use.
func TestNullTest(t *testing.T) {
	if err := measured(20, usual).nothing(draws()); err != nil {
		t.Error(err)
	}
	disturbed := map[string]int{}
	for name, took := range usual {
		disturbed[name] = took
	}
	disturbed[again] += 200
	if err := measured(20, disturbed).nothing(draws()); err == nil || !strings.Contains(err.Error(), "200 µs") {
		t.Errorf("a difference of 200 µs is taken for nothing: %v", err)
	}
}

func filled() *report {
	all := measured(5, usual)
	run := func(list []contender) side {
		s := side{Concurrency: 1, Rounds: 5, Contenders: list, Figures: map[string]figures{}}
		for _, c := range list {
			s.Figures[c.Name] = all.figuresOf(c.Name, draws())
		}
		return s
	}
	return &report{Machine: machine{Processor: "a < b"}, Size: 2, Side: []side{run(contenders)}, Others: []side{run(append(besideOthers(), others...))},
		Processes: []process{{Contender: ours, What: "Service Connector", Memory: memory{Now: 40.25, Most: 50}}},
		Burst:     &burst{Pods: 10, Seconds: []float64{1.2}, Constant: []float64{1}},
		Cold:      &cold{Namespaces: 10, Secrets: 10, Accounts: 9, Ours: pace{PerSecond: 90}, Bare: pace{PerSecond: 100}},
		Herd:      &herd{Pods: 10, P99: 200},
		Holdings:  []holding{{Memory: memory{Most: 40}}, {Foreign: 10, Memory: memory{Most: 43}}, {Pairs: 10_000, Memory: memory{Most: 60}}},
	}
}

func TestVerdicts(t *testing.T) {
	missed := map[string]string{}
	for _, v := range filled().Verdicts() {
		if !v.Met {
			missed[v.What] = v.Figure
		}
	}
	want := map[string]string{
		"burst of 10: time against F1": "1.20", "10 cold namespaces: Secrets and service accounts too many or too few": "1",
		"memory that 10 foreign objects of each kind cost": "3.0 MiB",
	}
	if len(missed) != len(want) {
		t.Errorf("missed: %v, want %v", missed, want)
	}
	for what, figure := range want {
		if missed[what] != figure {
			t.Errorf("%s: %q, want %q", what, missed[what], figure)
		}
	}
}

func TestReport(t *testing.T) {
	r := filled()
	text, err := r.markdown()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Service Connector | 1100 (", "| added p50 against F1, one at a time | ≤ 1.10 | 1.10 | yes |", "| burst of 10: time against F1 | ≤ 1.15 | 1.20 | **no** |", "**10 pods at once**"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	page, err := replaceFigures("before\n"+startMark+"figures of before\n"+endMark+"after\n", text)
	if err != nil || strings.Contains(page, "of before") || !strings.HasPrefix(page, "before\n"+startMark) || !strings.HasSuffix(page, endMark+"after\n") {
		t.Errorf("%v:\n%s", err, page)
	}
	if _, err := replaceFigures("no marks", text); err == nil {
		t.Error("a page without marks is replaced")
	}
	drawn, err := r.picture()
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(drawn, new(struct{})); err != nil {
		t.Errorf("the picture is no XML: %v", err)
	}
}

// A contender that could not be had is in no table, and its reason is told.
func TestAbsent(t *testing.T) {
	r := filled()
	r.Notes = []string{"Kyverno: as it is."}
	r.Absent = []absent{{Name: "azure-workload-identity", What: "azure-workload-identity v0", Reason: "the proxy refuses it"}}
	r.Others[0].Contenders = slices.DeleteFunc(r.Others[0].Contenders, func(c contender) bool { return c.Name == "azure-workload-identity" })
	text, err := r.markdown()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nNot measured: azure-workload-identity v0: the proxy refuses it.\n", "\nKyverno: as it is.\n", "| Kyverno v" + kyvernoVersion, "| Service Connector | 40.2 MiB | 50.0 MiB |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	drawn, err := r.picture()
	if err != nil {
		t.Fatal(err)
	}
	for what, page := range map[string]string{"the report": text, "the picture": string(drawn)} {
		if strings.Contains(page, "azure-workload-identity v"+identityVersion) {
			t.Errorf("%s has who is absent:\n%s", what, page)
		}
	}
}

func TestNames(t *testing.T) {
	got, err := names("kyverno, azure-workload-identity", rivals())
	if err != nil || len(got) != 2 || !got["kyverno"] {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := names("", rivals()); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	if _, err := names("kyverno,ours", rivals()); err == nil || !strings.Contains(err.Error(), `"ours"; there are azure-workload-identity, kyverno`) {
		t.Errorf("who cannot be left out: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	if got, err := numbers("1, 8"); err != nil || len(got) != 2 || got[1] != 8 {
		t.Errorf("%v, %v", got, err)
	}
	for _, list := range []string{"", "0", "a", "1,,2"} {
		if got, err := numbers(list); err == nil {
			t.Errorf("%q is taken as %v", list, got)
		}
	}
}
