// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"serviceconnector.dev/pkg/connections/diagnose"
	"serviceconnector.dev/pkg/connections/inventory"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// palette colours words for people, or leaves them as they are.
type palette bool

// colour is the number of a terminal's colour. All have two digits, so that each
// painted cell of a table's column is longer by the same.
type colour string

const (
	plain  colour = "39"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// coloursOf returns the palette for a stream: colours on a terminal only, and not
// if the environment asks for none (https://no-color.org).
func coloursOf(stream io.Writer) palette {
	file, ok := stream.(*os.File)
	return palette(ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// paint colours a text. In a table every cell of a column has to be painted, the
// heading too.
func (p palette) paint(c colour, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// reason paints a Ready condition's reason.
func (p palette) reason(text string) string {
	if text == v1alpha1.ReasonReady {
		return p.paint(green, text)
	}
	return p.paint(red, text)
}

// result paints what a check came to; text is the result, padded.
func (p palette) result(r diagnose.Result, text string) string {
	switch r {
	case diagnose.OK:
		return p.paint(green, text)
	case diagnose.Failure:
		return p.paint(red, text)
	}
	return p.paint(yellow, text)
}

// state paints the state of an object.
func (p palette) state(text string) string {
	switch text {
	case inventory.StateCurrent:
		return p.paint(green, text)
	case inventory.StateForeign:
		return p.paint(red, text)
	}
	return p.paint(yellow, text)
}
