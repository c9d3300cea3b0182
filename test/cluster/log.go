// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// logTail is how many lines of a log an error shows.
const logTail = 20

// tail returns the last lines that this run of the component logged.
func (p *process) tail() string {
	file, err := os.Open(p.Log)
	if err != nil {
		return fmt.Sprintf("(its log is not readable: %v)", err)
	}
	defer func() { _ = file.Close() }()
	const most = 64 << 10
	info, err := file.Stat()
	if err != nil {
		return fmt.Sprintf("(its log is not readable: %v)", err)
	}
	begin := max(p.logStart, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(file, begin, most))
	if err != nil {
		return fmt.Sprintf("(its log is not readable: %v)", err)
	}
	return lastLines(string(text), logTail)
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
