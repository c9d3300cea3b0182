// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
)

// summary is what the tests found, in the order in which they found it.
var summary struct {
	sync.Mutex
	rows [][2]string
}

// record adds a row to the summary: what was done, and what came of it.
func record(what, format string, figures ...any) {
	summary.Lock()
	defer summary.Unlock()
	summary.rows = append(summary.rows, [2]string{what, fmt.Sprintf(format, figures...)})
}

// printSummary prints the table of all rows.
func printSummary(w io.Writer) error {
	summary.Lock()
	defer summary.Unlock()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "\nWHAT\tRESULT\n") // Flush says what went wrong
	for _, row := range summary.rows {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	return table.Flush()
}
