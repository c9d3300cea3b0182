// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"serviceconnector.dev/pkg/connections/diagnose"
)

// printFindings prints checks as a table: result and name, below it what was
// found and what to do, wrapped.
func printFindings(out io.Writer, colours palette, head string, findings []diagnose.Finding) {
	width := len(head)
	for _, f := range findings {
		width = max(width, len(f.Check))
	}
	width = min(width, 40)
	fmt.Fprintf(out, "%-*s  %-7s  %s\n", width, head, "RESULT", "HINT")
	for _, f := range findings {
		text := f.Detail
		if f.Hint != "" {
			text += "; " + f.Hint
		}
		rest := textWidth - width - 11
		indent := strings.Repeat(" ", width+11)
		fmt.Fprintf(out, "%-*s  %s  %s\n", width, cut(f.Check, width),
			colours.result(f.Result, fmt.Sprintf("%-7s", f.Result)), column(text, rest, indent))
	}
}

// column breaks text into lines of a width, all but the first indented by what
// stands before the column.
func column(text string, width int, indent string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return strings.Join(append(lines, line), "\n"+indent)
}

// cut shortens a text that is too long for its column.
func cut(text string, width int) string {
	if len(text) <= width {
		return text
	}
	return text[:width-3] + "..."
}

// found returns the exit status for findings.
func found(findings []diagnose.Finding) error {
	if diagnose.Worst(findings) == diagnose.Failure {
		return &exitError{code: exitFindings}
	}
	return nil
}
