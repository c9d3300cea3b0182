// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The real webhook: it says what it is, and the SBOM lists the modules that Go
// finds in it.
func TestWebhook(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "webhook")
	s := settings{source: "../..", version: "v9.8.7", revision: "abc"}
	if err := compile(t.Context(), s, v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}, binary); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), binary, "version").Output()
	want := fmt.Sprintf("v9.8.7 (commit abc, %s, %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if err != nil || string(said) != want {
		t.Errorf("webhook version says %q, %v, want %q", said, err, want)
	}
	listed, err := exec.CommandContext(t.Context(), "go", "version", "-m", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := makeSBOM(s, binary)
	if err != nil {
		t.Fatal(err)
	}
	var bill cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(raw), cyclonedx.BOMFileFormatJSON).Decode(&bill); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range *bill.Components {
		if c.Name != "std" {
			got = append(got, strings.Join([]string{c.Name, c.Version, (*c.Properties)[0].Value}, " "))
		}
	}
	if diff := cmp.Diff(modules(string(listed)), got); diff != "" || len(got) < 30 {
		t.Errorf("%d modules, -want +got:\n%s", len(got), diff)
	}
}

// modules returns path, version and hash of each dependency that go version -m
// lists.
func modules(listed string) []string {
	var all []string
	for line := range strings.Lines(listed) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "dep" {
			all = append(all, strings.Join(fields[1:], " "))
		}
	}
	return all
}
