// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
)

//go:embed picture.svg.tmpl
var drawing string

// bar is one of the picture: what, and two lengths in the picture's units.
type bar struct {
	What           string
	Y              int
	Length, Low    float64
	High           float64
	Label          string
	CPU            float64
	CPULabel       string
	Ours, HasOwner bool
}

func whole(f float64) string { return fmt.Sprintf("%.0f", f) }

// picture draws the added p50 and the CPU, one at a time.
func (r *report) picture() ([]byte, error) {
	t, err := template.New("picture").Parse(drawing)
	if err != nil {
		return nil, err
	}
	columns := append(columnsOf(r.Side, false), columnsOf(r.Others, true)...)
	var bars []bar
	longest, most := 0.0, 0.0
	for _, c := range columns {
		longest, most = max(longest, c.Added[0].High), max(most, c.CPU.Value)
	}
	const wide, narrow = 330, 150
	y := 74
	for _, c := range columns {
		b := bar{What: c.What, Y: y, Ours: c.Name == ours, Label: whole(c.Added[0].Value),
			Length: max(0, c.Added[0].Value/longest*wide), Low: max(0, c.Added[0].Low/longest*wide), High: max(0, c.Added[0].High/longest*wide)}
		if c.hasProcess() {
			b.HasOwner, b.CPU, b.CPULabel = true, c.CPU.Value/most*narrow, whole(c.CPU.Value)
		}
		bars = append(bars, b)
		y += 30
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Bars": bars, "Height": y + 20, "Machine": r.Machine})
	return out.Bytes(), err
}

// column is a contender with what was measured of it.
type column struct {
	contender
	figures
}

// columnsOf are those of a run, one at a time where there is that; of a run beside
// programs of others these alone.
func columnsOf(run []side, rivals bool) (columns []column) {
	if len(run) == 0 {
		return nil
	}
	at := run[max(0, slices.IndexFunc(run, func(s side) bool { return s.Concurrency == 1 }))]
	for _, c := range at.Contenders {
		if c.Name != none && c.Name != again && (c.Rival != nil) == rivals {
			columns = append(columns, column{c, at.Figures[c.Name]})
		}
	}
	return columns
}
