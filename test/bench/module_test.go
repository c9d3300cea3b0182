// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a module replaces and our stand-ins are in the module that builds it.
func TestModule(t *testing.T) {
	source, dir := t.TempDir(), t.TempDir()
	released := "module example.com/m\n\ngo 1.25.3\n\nreplace example.com/a => example.com/b v1.2.3\n\nreplace example.com/c v1.0.0 => ./c\n"
	if err := writeFiles(source, map[string]string{"go.mod": released, "go.sum": "sums\n"}); err != nil {
		t.Fatal(err)
	}
	m := module{Path: "example.com/m", Version: "v1.0.0", StandIns: map[string]map[string]string{"example.com/log": {"log.go": "package log\n"}}}
	if err := m.write(t.Context(), dir, source); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"go.mod": "module bench.example/rival\n\ngo 1.25.3\n\nrequire example.com/m v1.0.0\n\nreplace example.com/a => example.com/b v1.2.3\n" +
			"replace example.com/c v1.0.0 => " + filepath.Join(source, "c") + "\nreplace example.com/log => ./stand-in-0\n",
		"go.sum":                              "sums\n",
		filepath.Join("stand-in-0", "log.go"): "package log\n",
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(content, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A module that cannot be had is an error that says which, and what to see to.
func TestModuleThatCannotBeHad(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	m := module{Path: "example.com/nowhere", Version: "v1.0.0", Package: "cmd/nothing"}
	b, err := m.build(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "downloading example.com/nowhere@v1.0.0: ") || !strings.Contains(err.Error(), "GOPROXY") {
		t.Errorf("%+v, %v", b, err)
	}
	if b.Source != "" {
		t.Errorf("its source is said to be in %s", b.Source)
	}
}
