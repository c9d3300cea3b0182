// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"encoding/json"
	"strings"
	"testing"
)

// Skip takes what is JSON, and nothing else. encoding/json knows better than us;
// only of deep nesting it takes more.
func FuzzSkip(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , -0.5e+7, true , false , null, "\u00e9\n" ] } `, `""`, `-`, `01`, `1.`, `1e`, `.5`, `-0`, `1E-9`, `tru`, `nul`, `"\x"`, `"\u12"`,
		"\"\x1f\"", "\"\xff\"", `[1,]`, `{"a":1,}`, `{"a"}`, `{1:2}`, `[1 2]`, `{}{}`, ``, ` `, strings.Repeat("[", 60) + strings.Repeat("]", 60),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := New(raw)
		s.Skip()
		got, want := s.Done(), json.Valid(raw)
		if want && depth(raw) > maxDepth {
			t.Skip()
		}
		if got != want {
			t.Errorf("taken: %v, JSON: %v, of %q", got, want, raw)
		}
	})
}

// depth is how deep brackets are nested, at most: those in strings count, too.
func depth(raw []byte) int {
	now, most := 0, 0
	for _, c := range raw {
		switch c {
		case '{', '[':
			now++
			most = max(most, now)
		case '}', ']':
			now--
		}
	}
	return most
}

func TestValues(t *testing.T) {
	var text, raw string
	var flags []bool
	s := New([]byte(`{"text": "é", "raw": {"a":[1, 2]}, "flags": [true,false], "nothing":null}`))
	s.Object(func(name []byte) {
		switch string(name) {
		case "text":
			text = s.String()
		case "raw":
			raw = string(s.Raw())
		case "flags":
			s.Array(func() { flags = append(flags, s.Bool()) })
		default:
			s.Skip()
		}
	})
	if !s.Done() || text != "é" || raw != `{"a":[1, 2]}` || len(flags) != 2 || !flags[0] || flags[1] {
		t.Errorf("%v %q %q %v", s.Done(), text, raw, flags)
	}
}

// What is rare, or another type, is left to somebody else.
func TestLeft(t *testing.T) {
	for _, raw := range []string{`"\n"`, "\"\xff\"", `null`, `1`, `{}`, `"`, ``} {
		s := New([]byte(raw))
		if text := s.String(); s.Done() {
			t.Errorf("%q is read as %q", raw, text)
		}
	}
	for _, raw := range []string{`1`, `null`, `"true"`, `trux`} {
		s := New([]byte(raw))
		if flag := s.Bool(); s.Done() {
			t.Errorf("%q is read as %v", raw, flag)
		}
	}
	s := New([]byte(`{"\u0061":1}`))
	s.Object(func([]byte) { s.Skip() })
	if s.Done() {
		t.Error("a name with an escape is taken as it stands")
	}
}
