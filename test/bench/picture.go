// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
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
	var at *side
	for i := range r.Side {
		if at == nil || r.Side[i].Concurrency == 1 {
			at = &r.Side[i]
		}
	}
	var bars []bar
	longest, most := 0.0, 0.0
	for _, c := range r.Present() {
		f := at.Figures[c.Name]
		longest, most = max(longest, f.Added[0].High), max(most, f.CPU.Value)
	}
	const wide, narrow = 330, 150
	y := 74
	for _, c := range r.Present() {
		if c.Name == none || c.Name == again {
			continue
		}
		f := at.Figures[c.Name]
		b := bar{What: c.What, Y: y, Ours: c.Name == ours, Label: whole(f.Added[0].Value),
			Length: max(0, f.Added[0].Value/longest*wide), Low: max(0, f.Added[0].Low/longest*wide), High: max(0, f.Added[0].High/longest*wide)}
		if c.hasProcess() {
			b.HasOwner, b.CPU, b.CPULabel = true, f.CPU.Value/most*narrow, whole(f.CPU.Value)
		}
		bars = append(bars, b)
		y += 30
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Bars": bars, "Height": y + 20, "Machine": r.Machine})
	return out.Bytes(), err
}
