// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// textWidth is what human output fits into.
const textWidth = 100

func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
}

// wrapList joins words by commas into lines of a width. It returns one line at
// least.
func wrapList(words []string, width int) []string {
	lines := []string{""}
	for _, word := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= width:
			*last += "," + word
		default:
			*last += ","
			lines = append(lines, word)
		}
	}
	return lines
}

// wrapText breaks text into lines of a width, all but the first indented.
func wrapText(text string, width int, indent string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != "" && line != indent {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// addOutputFlag adds -o with the formats that a command knows.
func addOutputFlag(command *cobra.Command, output *string, formats ...string) {
	command.Flags().StringVarP(output, "output", "o", "", "Output format: "+strings.Join(formats, ", "))
	command.PreRunE = func(*cobra.Command, []string) error {
		if *output == "" || slices.Contains(formats, *output) {
			return nil
		}
		return fmt.Errorf("-o %s is not known; use %s", *output, strings.Join(formats, ", "))
	}
	// The flag was just made, so that this cannot go wrong.
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(slices.Clone(formats), cobra.ShellCompDirectiveNoFileComp))
}

// printData prints data for programs; names are what -o name prints.
func printData(out io.Writer, format string, data any, names []string) error {
	var raw []byte
	var err error
	switch format {
	case "json":
		raw, err = json.MarshalIndent(data, "", "    ")
		raw = append(raw, '\n')
	case "yaml":
		raw, err = yaml.Marshal(data)
	case "name":
		for _, name := range names {
			fmt.Fprintln(out, name)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", format, err)
	}
	_, err = out.Write(raw)
	return err
}

// counted returns a number and its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
