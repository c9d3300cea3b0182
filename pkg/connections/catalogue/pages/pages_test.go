// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
)

// committed is where the documents are.
const committed = "../../../../docs/services"

func TestCommittedPagesAreFresh(t *testing.T) {
	t.Parallel()
	want := all(t)
	names, err := filepath.Glob(filepath.Join(committed, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range names {
		got = append(got, filepath.Base(name))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Errorf("docs/services is stale; run make generate: %s", diff)
	}
	for name, content := range want {
		have, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil || !bytes.Equal(have, content) {
			t.Errorf("docs/services/%s is stale; run make generate (error %v)", name, err)
		}
	}
}

// A reader comes from the index to a sample of every service and auth type in
// two clicks at most: the links of the index lead to the headings of pages.
func TestIndexLeadsToEverySample(t *testing.T) {
	t.Parallel()
	documents := all(t)
	for _, s := range catalogue.Services() {
		for _, auth := range samples.AuthTypes(s) {
			link := "[" + auth + "](" + s.Key + ".md#" + strings.ToLower(auth) + ")"
			if !bytes.Contains(documents[Index], []byte(link)) {
				t.Errorf("the index has no link %s", link)
			}
			sample, err := samples.For(s, auth)
			if err != nil {
				t.Fatal(err)
			}
			section := "\n## " + auth + "\n\n```yaml\n" + string(sample) + "```\n"
			if !bytes.Contains(documents[s.Key+".md"], []byte(section)) {
				t.Errorf("%s.md has no section %s with the sample", s.Key, auth)
			}
		}
	}
}

func TestPagesSayEverything(t *testing.T) {
	t.Parallel()
	documents := all(t)
	for _, s := range catalogue.Services() {
		page := string(documents[s.Key+".md"])
		var want []string
		for _, row := range s.Rows {
			want = append(want, row.Clients...)
			want = append(want, row.Note)
			for _, setting := range row.Settings {
				want = append(want, "| `"+setting.Name+"` |", code(setting.Value))
			}
		}
		for _, role := range s.DefaultRoles {
			want = append(want, role.ID)
		}
		for _, name := range placeholders(s) {
			if !catalogue.Identity(name) {
				want = append(want, "| `"+name+"` | ")
			}
		}
		for _, text := range append(want, s.Name, s.Note) {
			if !strings.Contains(page, text) {
				t.Errorf("%s.md lacks %q", s.Key, text)
			}
		}
	}
}

func TestDocumentsAreTidy(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	documents := all(t)
	for name, content := range documents {
		for _, target := range link.FindAllSubmatch(content, -1) {
			if _, ok := documents[string(target[1])]; !ok {
				t.Errorf("%s links to %s, which there is not", name, target[1])
			}
		}
		if bytes.Contains(content, []byte("\n\n\n")) || bytes.Contains(content, []byte(" \n")) || !bytes.HasSuffix(content, []byte("\n")) {
			t.Errorf("%s has odd blanks", name)
		}
		for line := range strings.Lines(strings.ReplaceAll(string(content), `\|`, "")) {
			if bars := strings.Count(line, "|"); strings.HasPrefix(line, "|") && bars != 3 && bars != 4 {
				t.Errorf("%s: a row of a table has a bar that is not escaped, or too few: %s", name, line)
			}
		}
		if strings.Count(string(content), "```")%2 != 0 || bytes.Contains(content, []byte("<no value>")) {
			t.Errorf("%s is broken", name)
		}
	}
	if diff := cmp.Diff(documents, all(t)); diff != "" {
		t.Errorf("a second run gives something else: %s", diff)
	}
}

func all(t *testing.T) map[string][]byte {
	t.Helper()
	documents, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return documents
}
