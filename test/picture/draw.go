// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The measures of the picture, in pixels.
const (
	charWidth  = 8.43 // of a 14-pixel monospace font
	lineHeight = 19
	margin     = 16
)

// code is what sets how the following text looks (SGR, ECMA-48 8.3.117).
var code = regexp.MustCompile(`\x1b\[([0-9]*)m`)

// classes are the codes that the plugin uses, and session for its prompt.
var classes = map[string]string{"1": "typed", "31": "red", "32": "green", "33": "yellow"}

// style is readable on light and dark pages: the picture brings its own ground.
const style = `text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d0d7de; white-space: pre; }
.typed { fill: #ffffff; font-weight: bold; } .red { fill: #ff7b72; } .green { fill: #7ee787; } .yellow { fill: #e3b341; }`

// draw returns an SVG of what a terminal has shown.
func draw(shown string) []byte {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(shown, "\n"), "\n") {
		lines = append(lines, wrap(line)...)
	}
	width, height := columns*charWidth+2*margin, len(lines)*lineHeight+2*margin
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" role="img" aria-label="A session of kubectl connection">`+"\n", width, height)
	fmt.Fprintf(&svg, "<!-- Drawn from a real run by make picture. -->\n<style>%s</style>\n", style)
	fmt.Fprintf(&svg, `<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>`+"\n")
	for i, line := range lines {
		fmt.Fprintf(&svg, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+(i+1)*lineHeight-5, spans(line))
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// wrap breaks a line where a terminal's width ends. Codes take no room.
func wrap(line string) []string {
	var lines []string
	start, seen := 0, 0
	for i := 0; i < len(line); {
		if at := code.FindStringIndex(line[i:]); at != nil && at[0] == 0 {
			i += at[1]
			continue
		}
		if seen == columns {
			lines = append(lines, line[start:i])
			start, seen = i, 0
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		i, seen = i+size, seen+1
	}
	return append(lines, line[start:])
}

// spans turns the codes in a line into elements.
func spans(line string) string {
	var out strings.Builder
	class := ""
	text := func(s string) {
		if s == "" {
			return
		}
		var escaped bytes.Buffer
		_ = xml.EscapeText(&escaped, []byte(s)) // a buffer does not fail
		if class == "" {
			out.Write(escaped.Bytes())
			return
		}
		fmt.Fprintf(&out, `<tspan class="%s">%s</tspan>`, class, escaped.Bytes())
	}
	for {
		at := code.FindStringSubmatchIndex(line)
		if at == nil {
			text(line)
			return out.String()
		}
		text(line[:at[0]])
		class = classes[line[at[2]:at[3]]]
		line = line[at[1]:]
	}
}
