// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

// report is all that was measured.
type report struct {
	Machine machine `json:"machine"`
	Size    int     `json:"podsInABlock"`
	// Side has the figures by concurrency, in their order.
	Side []side `json:"sideBySide"`
	// Others are the runs with the programs of others. Absent are those of them that
	// are not measured, Notes what is to be known of those that are.
	Others []side   `json:"besideOthers,omitempty"`
	Absent []absent `json:"notMeasured,omitempty"`
	Notes  []string `json:"notes,omitempty"`
	// Processes are those of the contenders after the runs side by side.
	Processes []process `json:"processes,omitempty"`
	// Calls is how often the webhook was called for pods without the annotation.
	Calls    int       `json:"callsForPlainPods"`
	Burst    *burst    `json:"burst,omitempty"`
	Cold     *cold     `json:"cold,omitempty"`
	Herd     *herd     `json:"herd,omitempty"`
	Holdings []holding `json:"memory,omitempty"`
	// Go is what the Go benchmarks printed, by benchstat.
	Go string `json:"goBenchmarks,omitempty"`
}

// side is what was measured side by side at one concurrency.
type side struct {
	Concurrency int `json:"concurrency"`
	Rounds      int `json:"rounds"`
	// Contenders are those that were measured, in the order of the report.
	Contenders []contender `json:"-"`
	// Base is p50 without a webhook, in microseconds.
	Base    float64            `json:"p50WithoutWebhookMicroseconds"`
	Figures map[string]figures `json:"contenders"`
}

// machine is what it was measured on.
type machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Kubernetes string `json:"kubernetes"`
	Revision   string `json:"revision"`
	Date       string `json:"date"`
}

//go:embed report.md.tmpl
var layout string

// markdown lays a report out.
func (r *report) markdown() (string, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"hasProcess": contender.hasProcess,
		"us":         func(e estimate) string { return fmt.Sprintf("%.0f", e.Value) },
		"usRange":    func(e estimate) string { return fmt.Sprintf("%.0f (%.0f–%.0f)", e.Value, e.Low, e.High) },
		"ratio":      func(e estimate) string { return fmt.Sprintf("%.2f (%.2f–%.2f)", e.Value, e.Low, e.High) },
		"per":        func(a, b float64) string { return fmt.Sprintf("%.2f", a/b) },
		"two":        func(f float64) string { return fmt.Sprintf("%.2f", f) },
		"one":        func(f float64) string { return fmt.Sprintf("%.1f", f) },
		"whole":      func(f float64) string { return fmt.Sprintf("%.0f", f) },
		"seconds": func(list []float64) string {
			var texts []string
			for _, s := range list {
				texts = append(texts, fmt.Sprintf("%.1f", s))
			}
			return strings.Join(texts, ", ")
		},
	}).Parse(layout)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, r)
	return out.String(), err
}

// The marks between which the figures are in the page.
const (
	startMark = "<!-- figures: written by make bench -->\n"
	endMark   = "<!-- end of figures -->\n"
)

// replaceFigures puts figures between the marks of a page.
func replaceFigures(page, figures string) (string, error) {
	before, rest, started := strings.Cut(page, startMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !started || !ended {
		return "", fmt.Errorf("the page lacks the lines %q and %q", strings.TrimSpace(startMark), strings.TrimSpace(endMark))
	}
	return before + startMark + figures + endMark + after, nil
}

// verdict is a bound, and whether it is kept.
type verdict struct {
	What, Bound, Figure string
	Met                 bool
}

// Verdicts judges what was measured.
func (r *report) Verdicts() []verdict {
	var list []verdict
	judge := func(what, bound string, figure, limit float64, format string) {
		list = append(list, verdict{what, bound, fmt.Sprintf(format, figure), figure <= limit})
	}
	for _, s := range r.Side {
		f := s.Figures[ours]
		if s.Concurrency == 1 {
			judge("added p50 against F1, one at a time", "≤ 1.10", f.Ratio.Value, 1.1, "%.2f")
		}
		if s.Concurrency == 1 || s.Concurrency == 8 {
			judge(fmt.Sprintf("CPU of the webhook against F1's, %d at a time", s.Concurrency), "≤ 1.4", f.CPURatio.Value, 1.4, "%.2f")
		}
	}
	judge("calls for pods without the annotation", "0", float64(r.Calls), 0, "%.0f")
	if b := r.Burst; b != nil {
		judge(fmt.Sprintf("burst of %d: refused or not injected", b.Pods), "0", float64(b.Refused+b.NotInjected), 0, "%.0f")
		judge(fmt.Sprintf("burst of %d: time against F1", b.Pods), "≤ 1.15", b.Ratio(), 1.15, "%.2f")
	}
	if c := r.Cold; c != nil {
		judge(fmt.Sprintf("%d cold namespaces: refused", c.Namespaces), "0", float64(c.Refused), 0, "%.0f")
		wrong := max(c.Secrets-c.Namespaces, c.Namespaces-c.Secrets) + max(c.Accounts-c.Namespaces, c.Namespaces-c.Accounts)
		judge(fmt.Sprintf("%d cold namespaces: Secrets and service accounts too many or too few", c.Namespaces), "0", float64(wrong), 0, "%.0f")
		list = append(list, verdict{fmt.Sprintf("%d cold namespaces: rate against a bare loop", c.Namespaces), "≥ 0.80",
			fmt.Sprintf("%.2f", c.Ratio()), c.Ratio() >= .8})
	}
	if h := r.Herd; h != nil {
		judge(fmt.Sprintf("herd of %d on a cold namespace: p99", h.Pods), "≤ 1 s", h.P99/1000, 1, "%.2f s")
	}
	var alone float64
	for i, h := range r.Holdings {
		switch {
		case i == 0:
			alone = h.Memory.Most
		case h.Pairs == 0:
			judge(fmt.Sprintf("memory that %d foreign objects of each kind cost", h.Foreign), "≤ 2 MiB", h.Memory.Most-alone, 2, "%.1f MiB")
		case h.Pairs == 10_000:
			judge("memory at 10,000 pairs", "≤ 64 MiB", h.Memory.Most, 64, "%.0f MiB")
		case h.Pairs == 100_000:
			judge("memory at 100,000 pairs", "≤ 160 MiB", h.Memory.Most, 160, "%.0f MiB")
		}
	}
	return list
}
