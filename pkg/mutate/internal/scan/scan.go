// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package scan reads a few values out of JSON in one pass, without reflection: for
// the path that every pod takes.
//
//	s := scan.New(raw)
//	s.Object(func(name []byte) {
//		switch string(name) {
//		case "kind":
//			kind = s.String()
//		default:
//			s.Skip()
//		}
//	})
//	if !s.Done() { ... } // decode it with mutate.Decode instead
//
// The contract: where Done returns true, the input was one JSON value, and what was
// read is what mutate.Decode makes of it. Done returns false for all that is wrong,
// and for what is right but rare: a string that is to be read and has an escape or no
// UTF-8, a null where a value is to be read, deep nesting. Who uses the package then
// decodes the general way, which has the words for what is wrong. Of a name that is
// there twice in an object, which no API server sends, the caller gets both.
package scan

import "unicode/utf8"

// maxDepth is how deep values may be nested: deeper than any pod.
const maxDepth = 64

// Scanner is at a place in JSON. The zero value is at the start of nothing.
type Scanner struct {
	in    []byte
	at    int
	depth int
	bad   bool
}

// New returns a Scanner at the start of the input, which it does not change.
func New(in []byte) Scanner { return Scanner{in: in} }

// Done reports whether all was read that there is, and as it should be.
func (s *Scanner) Done() bool {
	s.space()
	return !s.bad && s.at == len(s.in)
}

// Object reads an object: it calls member with each name, at its value, which member
// must read.
func (s *Scanner) Object(member func(name []byte)) {
	s.members(func(name []byte, plain bool) {
		if !plain {
			s.bad = true // what it says is not what stands there
			return
		}
		member(name)
	})
}

// members is Object for names as they stand, which may not be plain.
func (s *Scanner) members(member func(name []byte, plain bool)) {
	if !s.enter('{') {
		return
	}
	if s.peek() == '}' {
		s.leave()
		return
	}
	for !s.bad {
		name, plain := s.text()
		if s.peek() != ':' {
			s.bad = true
			return
		}
		s.at++
		member(name, plain)
		if !s.more('}') {
			return
		}
	}
}

// Array reads an array: it calls element at each of its values, which element must
// read.
func (s *Scanner) Array(element func()) {
	if !s.enter('[') {
		return
	}
	if s.peek() == ']' {
		s.leave()
		return
	}
	for !s.bad {
		element()
		if !s.more(']') {
			return
		}
	}
}

// String reads a string.
func (s *Scanner) String() string {
	text, plain := s.text()
	if !plain || s.bad {
		s.bad = true
		return ""
	}
	return word(text)
}

// word returns a text as a string. What every review says takes no memory.
func word(text []byte) string {
	switch string(text) {
	case "admission.k8s.io/v1":
		return "admission.k8s.io/v1"
	case "AdmissionReview":
		return "AdmissionReview"
	case "v1":
		return "v1"
	case "Pod":
		return "Pod"
	case "CREATE":
		return "CREATE"
	}
	return string(text)
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	if s.peek() == 't' {
		s.literal("true")
		return !s.bad
	}
	s.literal("false")
	return false
}

// Raw passes a value and returns it as it stands: a part of the input.
func (s *Scanner) Raw() []byte {
	s.space()
	start := s.at
	s.Skip()
	if s.bad {
		return nil
	}
	return s.in[start:s.at:s.at]
}

// Skip passes a value.
func (s *Scanner) Skip() {
	switch s.peek() {
	case '"':
		s.text()
	case '{':
		s.members(func([]byte, bool) { s.Skip() })
	case '[':
		s.Array(s.Skip)
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

// enter passes the start of an object or array.
func (s *Scanner) enter(start byte) bool {
	if s.peek() != start || s.depth == maxDepth {
		s.bad = true
		return false
	}
	s.at++
	s.depth++
	return true
}

// leave passes its end.
func (s *Scanner) leave() {
	s.at++
	s.depth--
}

// more passes what is between two members or elements, and reports whether another
// comes.
func (s *Scanner) more(end byte) bool {
	switch s.peek() {
	case ',':
		s.at++
		return !s.bad
	case end:
		s.leave()
	default:
		s.bad = true
	}
	return false
}

// peek returns the next byte that is no white space, 0 at the end.
func (s *Scanner) peek() byte {
	if !s.bad && s.at < len(s.in) && s.in[s.at] > ' ' { // mostly
		return s.in[s.at]
	}
	return s.peekBehindSpace()
}

func (s *Scanner) peekBehindSpace() byte {
	s.space()
	if s.bad || s.at == len(s.in) {
		return 0
	}
	return s.in[s.at]
}

func (s *Scanner) space() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *Scanner) literal(word string) {
	if s.bad || len(s.in)-s.at < len(word) || string(s.in[s.at:s.at+len(word)]) != word {
		s.bad = true
		return
	}
	s.at += len(word)
}

// text passes a string and returns what is between its quotes. It is plain if that is
// what the string says: no escapes, and UTF-8.
func (s *Scanner) text() (between []byte, plain bool) {
	if s.peek() != '"' {
		s.bad = true
		return nil, false
	}
	s.at++
	start, ascii := s.at, true
	plain = true
	for i := start; ; i++ {
		for i < len(s.in) && !special[s.in[i]] {
			i++
		}
		if i == len(s.in) {
			s.bad = true
			return nil, false
		}
		switch c := s.in[i]; {
		case c == '"':
			s.at = i + 1
			between = s.in[start:i]
			return between, plain && (ascii || utf8.Valid(between))
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '\\' && escape(s.in[i:]) > 0:
			plain = false
			i += escape(s.in[i:]) - 1
		default:
			s.bad = true
			return nil, false
		}
	}
}

// special are the bytes that may be more than themselves in a string.
var special = func() (table [256]bool) {
	for c := range table {
		table[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return table
}()

// escape returns how long the escape is that stands at the start, 0 for none that
// JSON has.
func escape(in []byte) int {
	if len(in) < 2 {
		return 0
	}
	switch in[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(in) < 6 {
			return 0
		}
		for _, c := range in[2:6] {
			if !hexadecimal(c) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// number passes a number. Source: RFC 8259, section 6.
func (s *Scanner) number() {
	if s.peek() == '-' {
		s.at++
	}
	switch {
	case s.at < len(s.in) && s.in[s.at] == '0':
		s.at++
	case !s.digits():
		return
	}
	if s.at < len(s.in) && s.in[s.at] == '.' {
		s.at++
		if !s.digits() {
			return
		}
	}
	if s.at < len(s.in) && (s.in[s.at] == 'e' || s.in[s.at] == 'E') {
		s.at++
		if s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
			s.at++
		}
		s.digits()
	}
}

// digits passes one digit or more.
func (s *Scanner) digits() bool {
	start := s.at
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.bad = true
	}
	return !s.bad
}
