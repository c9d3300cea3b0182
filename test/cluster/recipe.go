// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// recipe says how the binaries of one pinned module are built.
type recipe struct {
	name     string
	module   string
	mod, sum []byte
	// packages maps a binary to the package it is built from.
	packages map[string]string
	ldflags  func(version) string
	// cold tells a person how long to wait when nothing was compiled before.
	cold string
}

// folder names the folder of the recipe's binaries. Whatever changes a binary is
// part of the name, so that a binary that is there is always the right one.
func (r recipe) folder(v version) string {
	digest := sha256.New()
	digest.Write(r.mod)
	digest.Write(r.sum)
	return fmt.Sprintf("%s-%s-%s-%s-%.6x", r.name, v.full, runtime.GOOS, runtime.GOARCH, digest.Sum(nil))
}

// writeModule writes the module that the binaries are built in.
func (r recipe) writeModule(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	files := map[string][]byte{"go.mod": r.mod, "go.sum": r.sum, "tools.go": r.tools()}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// tools returns the file that makes "go mod tidy" keep what the binaries need.
func (r recipe) tools() []byte {
	var b strings.Builder
	b.WriteString("//go:build tools\n\npackage tools\n\nimport (\n")
	for _, pkg := range slices.Sorted(maps.Values(r.packages)) {
		fmt.Fprintf(&b, "\t_ %q\n", pkg)
	}
	b.WriteString(")\n")
	return []byte(b.String())
}
