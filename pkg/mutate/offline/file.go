// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// File is a manifest: documents of YAML or JSON.
type File struct {
	// Name is for messages.
	Name string

	documents []document
}

// document is one document of a manifest.
type document struct {
	// raw is all of it, with the line that separates it from the one before.
	raw string
	// separator and body are raw in two parts.
	separator, body string
	// number counts the documents that have content; line is the body's first.
	number, line int
	// root is nil where there is no content.
	root *yaml.Node
}

// Parse reads a manifest. Its error names the document and the line that cannot
// be read.
func Parse(name string, raw []byte) (File, error) {
	file := File{Name: name}
	number := 0
	for _, d := range split(string(raw)) {
		if !empty(d.body) {
			number++
			d.number = number
			var err error
			if d.root, err = parse(d.body); err != nil {
				return File{}, d.fail(name, err)
			}
		}
		file.documents = append(file.documents, d)
	}
	return file, nil
}

// Text returns the manifest as it was read.
func (f File) Text() string {
	var text strings.Builder
	for _, d := range f.documents {
		text.WriteString(d.raw)
	}
	return text.String()
}

// split cuts a manifest at the lines that start with ---.
func split(text string) []document {
	var documents []document
	current := document{line: 1}
	line := 0
	for part := range strings.SplitAfterSeq(text, "\n") {
		line++
		rest, separates := strings.CutPrefix(part, "---")
		if !separates || rest != "" && !strings.ContainsAny(rest[:1], " \t\r\n") {
			current.raw += part
			current.body += part
			continue
		}
		if current.raw != "" {
			documents = append(documents, current)
		}
		current = document{raw: part, separator: part, line: line + 1}
		if !empty(rest) { // what follows is content
			current.separator, current.body, current.line = "---\n", strings.TrimLeft(rest, " \t"), line
		}
	}
	return append(documents, current)
}

// empty reports whether there are only blank lines, comments and directives.
func empty(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

func parse(body string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(body))
	var root, more yaml.Node
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("a document ends and another begins; write --- between them")
	}
	return &root, nil
}

// lineOf matches how the parser names a line.
var lineOf = regexp.MustCompile(`(?:yaml: )?line (\d+): `)

// parserError matches the errors whose lines the YAML library counts from zero.
var parserError = regexp.MustCompile(`did not find expected (key|node content|'|<)`)

// fail says of an error which document and line of which file it is about.
func (d document) fail(file string, err error) error {
	text, line := err.Error(), d.line
	if found := lineOf.FindStringSubmatchIndex(text); found != nil {
		if n, e := strconv.Atoi(text[found[2]:found[3]]); e == nil {
			line += n - 1
			if parserError.MatchString(text) {
				line++
			}
		}
		text = text[:found[0]] + text[found[1]:]
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, noise := range []string{"error converting YAML to JSON: ", "yaml: ", "unmarshal errors: "} {
		text = strings.TrimPrefix(text, noise)
	}
	return fmt.Errorf("%s: document %d, line %d: %s", file, d.number, line, text)
}

// top returns the text of a field at the top of a document, "" for none.
func (d document) top(field string) string {
	if d.root == nil || len(d.root.Content) == 0 {
		return ""
	}
	if i := keyIndex(d.root.Content[0], field); i >= 0 {
		return d.root.Content[0].Content[i+1].Value
	}
	return ""
}
