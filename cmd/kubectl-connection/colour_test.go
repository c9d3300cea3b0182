// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"regexp"
	"testing"

	"serviceconnector.dev/pkg/connections/diagnose"
)

var codes = regexp.MustCompile("\x1b\\[[0-9]+m")

// Coloured or not, the columns stand where they stand.
func TestColoursKeepTheColumns(t *testing.T) {
	findings := []diagnose.Finding{
		{Check: "one", Result: diagnose.OK, Detail: "well"},
		{Check: "another", Result: diagnose.Failure, Detail: "broken", Hint: "mend it"},
		{Check: "third", Result: diagnose.Warning, Detail: "strange"},
	}
	var bare, coloured bytes.Buffer
	printFindings(&bare, false, "CHECK", findings)
	printFindings(&coloured, true, "CHECK", findings)
	if got := codes.ReplaceAllString(coloured.String(), ""); got != bare.String() {
		t.Errorf("without its codes the coloured output is\n%s\nwant\n%s", got, bare.String())
	}
	for _, want := range []string{"\x1b[32mOK     \x1b[0m", "\x1b[31mFailure\x1b[0m", "\x1b[33mWarning\x1b[0m"} {
		if !bytes.Contains(coloured.Bytes(), []byte(want)) {
			t.Errorf("no %q in %q", want, coloured.String())
		}
	}
}

// What is no terminal gets no colours.
func TestNoColoursInAPipe(t *testing.T) {
	if coloursOf(&bytes.Buffer{}) {
		t.Error("a buffer is coloured")
	}
}
