// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/mutate"
)

// docs/reference.md lists every annotation, label, reason and event that the code
// has, and none that it has not.
func TestReferenceIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := sectionsOf(string(raw))
	code := constants(t)
	for _, c := range []struct {
		sections []string
		// prefixes are those of the constants' names.
		prefixes []string
	}{
		{[]string{"Annotations"}, []string{"Annotation"}},
		{[]string{"Labels"}, []string{"Label"}},
		{[]string{"The Ready condition", "The Provisioned condition", "The RolledOut condition", "The Imported condition", "The Federated condition"}, []string{"Reason"}},
		{[]string{"Events"}, []string{"Event"}},
	} {
		var have, want []string
		for _, section := range c.sections {
			if sections[section] == nil {
				t.Errorf("docs/reference.md has no section %q", section)
			}
			have = append(have, sections[section]...)
		}
		for name, value := range code {
			if slices.ContainsFunc(c.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
				want = append(want, value)
			}
		}
		slices.Sort(have)
		slices.Sort(want)
		if diff := cmp.Diff(slices.Compact(want), slices.Compact(have)); diff != "" {
			t.Errorf("docs/reference.md, %s (-code +page):\n%s", strings.Join(c.sections, ", "), diff)
		}
	}
	for name, value := range code {
		if strings.HasPrefix(name, "Condition") && sections["The "+value+" condition"] == nil {
			t.Errorf("docs/reference.md has no section about the condition %s", value)
		}
	}
}

// sectionsOf returns the names in the first column of each section's table.
func sectionsOf(page string) map[string][]string {
	sections, current := map[string][]string{}, ""
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			current = strings.TrimSpace(title)
			continue
		}
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") || len(cells) < 3 {
			continue
		}
		for i, part := range strings.Split(cells[1], "`") {
			if i%2 == 1 {
				sections[current] = append(sections[current], strings.TrimSuffix(part, "<connection>"))
			}
		}
	}
	return sections
}

// constants returns the constants of names.go by name; those that are another
// package's by the value there.
func constants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{
		"AnnotationConnections": mutate.AnnotationConnections, "AnnotationContainers": mutate.AnnotationContainers,
		"AnnotationEnvPrefix": mutate.AnnotationEnvPrefix, "AnnotationInjected": mutate.AnnotationInjected,
		"AnnotationCopied": mutate.AnnotationCopied, "LabelWorkloadIdentity": mutate.LabelWorkloadIdentity, "LabelGated": mutate.LabelGated,
	}
	found := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name := spec.Names[0].Name
		switch value := spec.Values[0].(type) {
		case *ast.BasicLit:
			if found[name], err = strconv.Unquote(value.Value); err != nil {
				t.Fatal(err)
			}
		case *ast.SelectorExpr:
			if found[name] = elsewhere[value.Sel.Name]; found[name] == "" {
				t.Errorf("the test does not know %s", value.Sel.Name)
			}
		}
		return true
	})
	return found
}
