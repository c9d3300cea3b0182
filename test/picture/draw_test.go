// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	svg := string(draw("\x1b[1m$ a <b>\x1b[0m\nNAME  \x1b[39mSTATUS\x1b[0m\nx  \x1b[32mReady\x1b[0m  & more\n"))
	for _, want := range []string{
		`<tspan class="typed">$ a &lt;b&gt;</tspan></text>`, `>NAME  STATUS</text>`,
		`>x  <tspan class="green">Ready</tspan>  &amp; more</text>`, `viewBox="0 0 875 89"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("ü", columns)
	for line, want := range map[string]int{"": 1, long: 1, "\x1b[31m" + long + "\x1b[0m": 1, long + "x": 2, long + long + "x": 3} {
		if got := wrap(line); len(got) != want || strings.Join(got, "") != line {
			t.Errorf("%d lines of %q, want %d", len(got), line, want)
		}
	}
}
