// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/mutate"
)

func TestApplyPatch(t *testing.T) {
	tests := map[string]struct {
		document, want string
		operation      mutate.Operation
	}{
		"into a map":         {"a: 1 # one\n", "a: 1 # one\nb: x\n", add("/b", "x")},
		"over a value":       {"a: 1 # one\nb: 2\n", "a: x # one\nb: 2\n", add("/a", "x")},
		"over null":          {"a:\n  b: # none\nc: 1\n", "a:\n  b: # none\n    x: v\nc: 1\n", add("/a/b", map[string]string{"x": "v"})},
		"escaped":            {"a:\n  x/y~z: 1\n", "a:\n  x/y~z: 2\n", add("/a/x~1y~0z", 2)},
		"front of a list":    {"a:\n# first\n- 1\n", "a:\n- 0\n# first\n- 1\n", add("/a/0", 0)},
		"end of a list":      {"a:\n  - 1\n", "a:\n  - 1\n  - 2\n", add("/a/-", 2)},
		"end by index":       {"a: [1]\n", "a: [1, 2]\n", add("/a/1", 2)},
		"looks like a bool":  {"a: 1\n", "a: 1\nb: \"yes\"\n", add("/b", "yes")},
		"looks like a float": {"a: 1\n", "a: 1\n\"1e3\": \"0x1f\"\n", add("/1e3", "0x1f")},
		"empty string":       {"a: 1\n", "a: 1\nb: \"\"\n", add("/b", "")},
		"remove a key":       {"a: 1\nb: 2 # two\nc: 3\n", "a: 1\nc: 3\n", mutate.Operation{Op: "remove", Path: "/b"}},
		"remove an item":     {"a: [1, 2, 3]\n", "a: [1, 3]\n", mutate.Operation{Op: "remove", Path: "/a/1"}},
		"blank lines":        {"a: 1\n\n\nb:   2\n", "a: 1\n\n\nb:   2\nc: 3\n", add("/c", 3)},
		"aliases":            {"a: &x\n  k: 1\nb: *x\n", "a:\n  k: 1\nb:\n  k: 1\n  l: 2\n", add("/b/l", 2)},
		"merge keys":         {"a: &x\n  k: 1\nb:\n  <<: *x\n  m: 3\n", "a:\n  k: 1\nb:\n  m: 3\n  k: 2\n", add("/b/k", 2)},
		"JSON":               {"{\n    \"b\": \"<yes>\",\n    \"a\": [\n        1\n    ]\n}\n", "{\n    \"b\": \"<yes>\",\n    \"a\": [\n        1,\n        \"x\"\n    ]\n}\n", add("/a/-", "x")},
		"CRLF":               {"a: 1\r\n\r\nb: 2\r\n", "a: 1\r\n\r\nb: 2\r\nc: 3\r\n", add("/c", 3)},
		"four columns":       {"a:\n    b:\n        c: 1\n", "a:\n    b:\n        c: 1\n        d:\n            e: x\n", add("/a/b/d", map[string]string{"e": "x"})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Parse("test.yaml", []byte(test.document))
			if err != nil {
				t.Fatal(err)
			}
			got, err := file.documents[0].render(mutate.Patch{test.operation})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func add(path string, value any) mutate.Operation {
	return mutate.Operation{Op: "add", Path: path, Value: value}
}

func TestApplyPatchRefuses(t *testing.T) {
	tests := map[string]struct {
		operation mutate.Operation
		want      string
	}{
		"no parent":     {add("/x/y", 1), `there is no "x"`},
		"in a scalar":   {add("/b/c", 1), "neither a map nor a list"},
		"beyond":        {add("/a/3", 1), "beyond the list's end"},
		"sign":          {add("/a/-1", 1), "no index"},
		"leading zero":  {add("/a/01", 1), "no index"},
		"remove absent": {mutate.Operation{Op: "remove", Path: "/x"}, `there is no "x"`},
		"the root":      {add("", 1), "not a path"},
		"replace":       {mutate.Operation{Op: "replace", Path: "/b", Value: 1}, "unknown operation"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root, err := parse("a: [1, 2]\nb: x\n")
			if err != nil {
				t.Fatal(err)
			}
			if err := applyPatch(root, mutate.Patch{test.operation}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// On any document and any operation of ours, trees and JSON give the same, by
// another library.
func FuzzApplyPatch(f *testing.F) {
	f.Add("a: {b: [1, 2]}\n", "/a/b/0", "x", false)
	f.Add("a: &x\n  k: 1\nb:\n  <<: *x\n", "/b/k", "yes", false)
	f.Add("a: # c\n- b: 1\n\n- c: 2\n", "/a/-", "1e3", false)
	f.Add("a: 1\nb: |\n  text\n\n  more\n", "/b", "", true)
	f.Add("{\"a\": {\"x/y\": null}}", "/a/x~1y", "0x10", false)
	f.Fuzz(func(t *testing.T, document, path, value string, removes bool) {
		if strings.ContainsFunc(path+value, unicode.IsControl) || !utf8.ValidString(path+value) {
			t.Skip("no operation of ours: keys and values are printable")
		}
		original, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil || !strings.HasPrefix(string(original), "{") {
			t.Skip("no object")
		}
		file, err := Parse("fuzz.yaml", []byte(document))
		if err != nil || len(file.documents) != 1 || file.documents[0].root == nil {
			t.Skip("no document")
		}
		operation := add(path, value)
		if removes {
			operation = mutate.Operation{Op: "remove", Path: path}
		}
		_, theirs := applyJSON(original, mutate.Patch{operation})
		root, err := parse(file.documents[0].body)
		if err != nil {
			t.Skip("no document")
		}
		base, _, ours := encodings(strings.ReplaceAll(file.documents[0].body, "\r\n", "\n"), mutate.Patch{operation})
		if theirs != nil || ours != nil {
			return // they differ on what is no operation of ours: signs, the root
		}
		if again, err := layoutOf(root).encode(root); err == nil && !means(base, original) && !means(again, original) {
			t.Skip("the YAML library does not write what it reads")
		}
		if _, err := file.documents[0].render(mutate.Patch{operation}); err != nil {
			t.Errorf("%q %s %q: %v", document, path, value, err)
		}
	})
}
