// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"strings"
	"testing"
)

func TestParseNamesDocumentAndLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"second document": {"a: 1\n---\n# c\nb: 1\nc: [1\nd: 2\n", "shop.yaml: document 2, line 5: "},
		"after an empty":  {"---\n# nothing\n---\na: b: c\n", "shop.yaml: document 1, line 4: mapping values are not allowed in this context"},
		"a tab":           {"a:\n\tb: 1\n", "shop.yaml: document 1, line 2: found character that cannot start any token"},
		"two in one":      {"a: 1\n...\nb: 2\n", "shop.yaml: document 1, line 1: a document ends and another begins"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("shop.yaml", []byte(test.text))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func TestLearnNamesDocumentAndLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"key twice":     {"a: 1\n---\napiVersion: v1\nkind: Pod\nkind: Pod\n", `shop.yaml: document 2, line 5: key "kind" already set in map`},
		"unknown field": {"apiVersion: serviceconnector.dev/v1alpha1\nkind: Connection\nmetadata: {name: x}\nspec: {tarket: {}}\n", `shop.yaml: document 1, line 1: Connection/x: unknown field "spec.tarket"`},
		"wrong type":    {"apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n", "shop.yaml: document 1, line 1: reading the Pod: "},
		"no base64":     {"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {password: c4n4ry!}\n", "shop.yaml: document 1, line 1: Secret/x: reading the Secret: data holds base64"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := Parse("shop.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			err = NewWorld("sc-system", "default").Learn(file)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// What is not patched keeps its bytes, whatever they are.
func FuzzTextSurvives(f *testing.F) {
	f.Add("a:   1\r\n--- # x\nb: {c:   d}\n---\n---   \n")
	f.Add("--- {apiVersion: v1, kind: Pod}\n---\tx\n...\n")
	f.Add("%YAML 1.1\n---\na: 1")
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nkind: Rollout\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("fuzz.yaml", []byte(text))
		if err != nil {
			t.Skip("no manifest")
		}
		if got := file.Text(); got != text {
			t.Fatalf("read %q, have %q", text, got)
		}
		result, err := NewInjector(NewWorld("sc-system", "default")).Inject(t.Context(), file)
		for _, object := range result.Objects {
			if len(object.Patch) > 0 {
				t.Skip("patched")
			}
		}
		if err == nil && result.Text != text {
			t.Errorf("%q became %q", text, result.Text)
		}
	})
}
