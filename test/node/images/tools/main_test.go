// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Setenv("SC_TOOLS_B", "two")
	t.Setenv("SC_TOOLS_A", "one")
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "x", "sub/b": "y"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		args []string
		want string
		err  string
	}{
		"values in the order asked for":  {[]string{"/bin/printenv", "SC_TOOLS_B", "SC_TOOLS_A"}, "two\none\n", ""},
		"by the first argument":          {[]string{"/bin/tools", "printenv", "SC_TOOLS_A"}, "one\n", ""},
		"a variable that is not set":     {[]string{"printenv", "SC_TOOLS_C"}, "", "printenv: SC_TOOLS_C is not set"},
		"contents":                       {[]string{"cat", dir + "/a", dir + "/sub/b"}, "xy", ""},
		"names":                          {[]string{"ls", dir}, dir + "/a\n" + dir + "/sub\n", ""},
		"names below":                    {[]string{"ls", "-R", dir}, dir + "/a\n" + dir + "/sub\n" + dir + "/sub/b\n", ""},
		"an end to waiting":              {[]string{"sleep", "0.01"}, "", ""},
		"no command":                     {[]string{"tools"}, "", "tools: name a command"},
		"a command that there is not":    {[]string{"tools", "rm"}, "", `tools: there is no command "rm"`},
		"a number of seconds that isn't": {[]string{"sleep", "x"}, "", `sleep: strconv.ParseFloat: parsing "x": invalid syntax`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			said := ""
			if err := run(t.Context(), test.args, &out); err != nil {
				said = err.Error()
			}
			if out.String() != test.want || said != test.err {
				t.Errorf("printed %q with error %q, want %q with %q", out.String(), said, test.want, test.err)
			}
		})
	}
}

func TestAllVariablesSorted(t *testing.T) {
	t.Setenv("SC_TOOLS_B", "two")
	t.Setenv("SC_TOOLS_A", "one")
	var out strings.Builder
	if err := run(t.Context(), []string{"printenv"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "SC_TOOLS_A=one\nSC_TOOLS_B=two\n") {
		t.Errorf("printed %q", out.String())
	}
}
