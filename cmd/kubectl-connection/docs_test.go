// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
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

// Every example of the help is run by a script: here, in test/cli, in test/importer
// where it takes Azure, or in test/e2e where it takes a webhook that runs in a pod.
func TestExamplesAreRun(t *testing.T) {
	t.Parallel()
	scripts := readScripts(t, "testdata/script/*.txtar", "../../test/cli/testdata/script/*.txtar", "../../test/importer/testdata/script/*.txtar", "../../test/e2e/testdata/script/*.txtar")
	root := newRoot(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
	for _, command := range documented(root) {
		for _, example := range examples(command.Example) {
			if !strings.Contains(scripts, " "+example+"\n") && !strings.Contains(scripts, "\n"+example+"\n") {
				t.Errorf("%s: no script runs: %s", command.Name(), example)
			}
		}
	}
}

// background is what lets a script's command run in the background.
var background = regexp.MustCompile(` &(\w+&)?\n`)

// readScripts returns the scripts in one normal form: single spaces, no quotes,
// nothing in the background.
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
	return background.ReplaceAllString(strings.ReplaceAll(all.String(), "'", ""), "\n")
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
		for _, shell := range []string{" > ", " < ", " | "} {
			line, _, _ = strings.Cut(line, shell)
		}
		lines = append(lines, line)
	}
	return lines
}
