// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"slices"
	"strings"
)

// maxCells bounds the table that lines are matched with; what is larger is not
// merged.
const maxCells = 32 << 20

// merge brings the changes between two writings of ours, base and theirs, into
// mine, the author's own writing of base. Where both differ from base in the same
// place, theirs is taken. ok is false for what is too large.
func merge(mine, base, theirs string) (merged string, ok bool) {
	m, b, t := lines(mine), lines(base), lines(theirs)
	inMine, okMine := match(b, m)
	inTheirs, okTheirs := match(b, t)
	if !okMine || !okTheirs {
		return "", false
	}
	var out strings.Builder
	i, j, k := 0, 0, 0 // how far b, m and t are written
	for next := 0; next <= len(b); next++ {
		toMine, toTheirs := len(m), len(t)
		if next < len(b) {
			if toMine, toTheirs = inMine[next], inTheirs[next]; toMine < 0 || toTheirs < 0 {
				continue
			}
		}
		for _, line := range choose(m[j:toMine], b[i:next], t[k:toTheirs]) {
			out.WriteString(line)
		}
		if next < len(b) {
			out.WriteString(m[toMine])
		}
		i, j, k = next+1, toMine+1, toTheirs+1
	}
	return out.String(), true
}

// choose decides on a stretch of lines that differs.
func choose(mine, base, theirs []string) []string {
	if slices.Equal(theirs, base) {
		return mine
	}
	written, rest := units(mine)
	if len(written) != len(base) {
		return theirs
	}
	at, _ := match(theirs, base)
	var out []string
	for i, line := range theirs {
		if at[i] >= 0 {
			line = written[at[i]]
		} else {
			line = shift(line, drift(i, theirs, at, written))
		}
		out = append(out, line)
	}
	return append(out, rest...)
}

// drift returns how much further than we the author indents the line nearest to
// an added one, the next before the last.
func drift(i int, theirs []string, at []int, written []string) int {
	for _, step := range []int{1, -1} {
		for j := i + step; j >= 0 && j < len(at); j += step {
			if at[j] >= 0 {
				return indentation(strings.TrimLeft(written[at[j]], "\n")) - indentation(theirs[j])
			}
		}
	}
	return 0
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func shift(line string, by int) string {
	if by >= 0 {
		return strings.Repeat(" ", by) + line
	}
	return line[min(-by, indentation(line)):]
}

// units joins each line with the blank lines above it, which our own writing does
// not have. rest are blank lines at the end.
func units(text []string) (joined, rest []string) {
	start := 0
	for i, line := range text {
		if strings.TrimSpace(line) != "" {
			joined = append(joined, strings.Join(text[start:i+1], ""))
			start = i + 1
		}
	}
	return joined, text[start:]
}

func lines(text string) []string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	parts := strings.SplitAfter(text, "\n")
	return parts[:len(parts)-1]
}

// match returns for each line of a where the longest common subsequence has it
// in b, or -1.
func match(a, b []string) (at []int, ok bool) {
	at = make([]int, len(a))
	for i := range at {
		at[i] = -1
	}
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		at[start] = start
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA--
		endB--
		at[endA] = endB
	}
	return at, matchMiddle(a[start:endA], b[start:endB], start, at)
}

func matchMiddle(a, b []string, start int, at []int) bool {
	width := len(b) + 1
	if (len(a)+1)*width > maxCells {
		return false
	}
	table := make([]int32, (len(a)+1)*width) // lengths of what the rests have in common
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			at[start+i] = start + j
			i++
			j++
		case table[(i+1)*width+j] >= table[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return true
}
