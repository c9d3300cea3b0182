// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"slices"
	"strings"
)

// MissingError says that a template has placeholders without a value.
type MissingError struct {
	// Placeholders are all those without a value, in order, each once.
	Placeholders []string
}

// Error implements error.
func (e *MissingError) Error() string {
	return "no value for " + strings.Join(e.Placeholders, ", ")
}

// Placeholders returns the names of a template's placeholders, without their
// filters, in order, each once.
func Placeholders(template string) []string {
	var names []string
	for template != "" {
		var p piece
		p, template = next(template)
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Check returns an *UnknownFilterError if a template has a filter that there
// is not; else Render of that template fails for missing values only.
func Check(template string) error {
	for template != "" {
		var p piece
		p, template = next(template)
		if _, ok := filters[p.filter]; !ok {
			return &UnknownFilterError{Placeholder: p.name, Filter: p.filter, Known: Filters()}
		}
	}
	return nil
}

// Render puts values into a template, through their filters. value says false
// for a placeholder that has none; the error then is a *MissingError that names
// all of them. An unknown filter is an *UnknownFilterError.
func Render(template string, value func(name string) (string, bool)) (string, error) {
	if err := Check(template); err != nil {
		return "", err
	}
	var text strings.Builder
	var missing []string
	for template != "" {
		var p piece
		p, template = next(template)
		text.WriteString(p.literal)
		if p.name == "" {
			continue
		}
		v, ok := value(p.name)
		if !ok && !slices.Contains(missing, p.name) {
			missing = append(missing, p.name)
		}
		text.WriteString(filters[p.filter](v))
	}
	if len(missing) > 0 {
		return "", &MissingError{Placeholders: missing}
	}
	return text.String(), nil
}

// piece is literal text and the placeholder after it, if there is one.
type piece struct {
	literal, name, filter string
}

// next splits a template into its first piece and what follows. Without a
// placeholder, all of the template is text.
func next(template string) (p piece, rest string) {
	for i := range len(template) {
		if template[i] != '{' {
			continue
		}
		if name, filter, length := inBraces(template[i+1:]); name != "" {
			return piece{template[:i], name, filter}, template[i+1+length:]
		}
	}
	return piece{literal: template}, ""
}

// inBraces reads what follows an opening brace: a word, perhaps a bar and
// another word, and the closing brace. length counts that brace.
func inBraces(text string) (name, filter string, length int) {
	name = word(text)
	length = len(name)
	if name == "" || length == len(text) {
		return "", "", 0
	}
	if text[length] == '|' {
		if filter = word(text[length+1:]); filter == "" {
			return "", "", 0
		}
		length += 1 + len(filter)
	}
	if length == len(text) || text[length] != '}' {
		return "", "", 0
	}
	return name, filter, length + 1
}

// word returns the word that text begins with: a lower-case letter, and
// lower-case letters, digits and underscores after it.
func word(text string) string {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return text[:i]
		}
	}
	return text
}
