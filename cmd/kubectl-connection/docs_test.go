// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestDocsAreFresh(t *testing.T) {
	t.Parallel()
	have, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	want := reference(newRoot(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard}))
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("docs/cli.md is stale; run make generate (-want +have):\n%s", diff)
	}
}

// What help says has to fit a terminal.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	root := newRoot(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
	for _, command := range documented(root) {
		if command.Long == "" || command.Example == "" {
			t.Errorf("%s needs Long and Example", command.Name())
		}
		for _, line := range strings.Split(command.Long+"\n"+command.Example, "\n") {
			if len(line) > textWidth {
				t.Errorf("%s: longer than %d: %s", command.Name(), textWidth, line)
			}
		}
	}
}

// unscripted are the commands whose examples are not all in a script yet.
var unscripted = []string{"doctor", "explain", "inject", "logs", "unuse", "use", "validate"}

// Every example of the help is run by a script, here or in test/cli.
func TestExamplesAreRun(t *testing.T) {
	t.Parallel()
	scripts := readScripts(t, "testdata/script/*.txtar", "../../test/cli/testdata/script/*.txtar")
	root := newRoot(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
	for _, command := range documented(root) {
		missing := slices.DeleteFunc(examples(command.Example), func(example string) bool {
			return strings.Contains(scripts, " "+example+"\n")
		})
		switch known := slices.Contains(unscripted, command.Name()); {
		case known && len(missing) == 0:
			t.Errorf("%s: scripts run all of its examples; take it off the list of those that lack some", command.Name())
		case !known && len(missing) > 0:
			t.Errorf("%s: no script runs:\n%s", command.Name(), strings.Join(missing, "\n"))
		}
	}
}

// readScripts returns the scripts in one normal form: single spaces, no quotes.
func readScripts(t *testing.T, patterns ...string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no scripts: %s: %v", pattern, err)
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(raw)
		}
	}
	return strings.ReplaceAll(all.String(), "'", "")
}

// examples returns the command lines of a help's examples in that form, without
// what a shell does with their output.
func examples(text string) []string {
	var lines []string
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\\\n", " "), "'", "")
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" || line[0] == '#' {
			continue
		}
		for _, shell := range []string{" > ", " | "} {
			line, _, _ = strings.Cut(line, shell)
		}
		lines = append(lines, line)
	}
	return lines
}
