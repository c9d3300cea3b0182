// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what is read from annotations.
const (
	// MaxNameLength is the longest connection name: with the longest prefix of
	// an annotation ("env-prefix.") it fills the 63 characters that Kubernetes
	// allows for an annotation's name.
	MaxNameLength = 52
	// MaxConnections is how many connections one pod may name.
	MaxConnections = 32

	maxLabelLength  = 63
	maxListLength   = 16 << 10
	maxPrefixLength = 128
	maxQuoted       = 64
)

// Request is what the annotations ask for.
type Request struct {
	// Connections are connection names, each once, in the author's order.
	Connections []string
	// Containers limits injection to these containers; empty means all.
	Containers []string
	// Prefixes holds the prefix of a connection's variables, by connection.
	Prefixes map[string]string
}

// Present reports whether the annotations ask for connections at all.
func Present(annotations map[string]string) bool {
	_, ok := annotations[AnnotationConnections]
	return ok
}

// ParseRequest reads a Request from a pod's annotations. Its error is a
// *Denial with reason ReasonMalformed. An annotation without any name gives a
// Request without connections.
func ParseRequest(annotations map[string]string) (Request, error) {
	connections, err := parseNames(annotations, AnnotationConnections, "connection name", MaxNameLength)
	if err != nil {
		return Request{}, err
	}
	if len(connections) > MaxConnections {
		return Request{}, Deny(ReasonMalformed, "annotation %s names %d connections; a pod can have %d",
			AnnotationConnections, len(connections), MaxConnections)
	}
	containers, err := parseNames(annotations, AnnotationContainers, "container name", maxLabelLength)
	if err != nil {
		return Request{}, err
	}
	prefixes, err := parsePrefixes(annotations)
	if err != nil {
		return Request{}, err
	}
	return Request{Connections: connections, Containers: containers, Prefixes: prefixes}, nil
}

// StrayPrefixes returns the connections that have a prefix but are not
// requested, sorted.
func (r Request) StrayPrefixes() []string {
	if len(r.Prefixes) == 0 {
		return nil
	}
	var stray []string
	for _, name := range slices.Sorted(maps.Keys(r.Prefixes)) {
		if !slices.Contains(r.Connections, name) {
			stray = append(stray, name)
		}
	}
	return stray
}

func parseNames(annotations map[string]string, key, what string, maxLength int) ([]string, error) {
	list := annotations[key]
	if len(list) > maxListLength {
		return nil, Deny(ReasonMalformed, "annotation %s is %d bytes long, at most %d are read; it starts with %s",
			key, len(list), maxListLength, Quote(list))
	}
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		name := strings.TrimSpace(item)
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if !isLabel(name, maxLength) {
			return nil, Deny(ReasonMalformed,
				"annotation %s: %s is no %s; write lower-case letters, digits and dashes, at most %d, separated by commas",
				key, Quote(name), what, maxLength)
		}
		names = append(names, name)
	}
	return names, nil
}

func parsePrefixes(annotations map[string]string) (map[string]string, error) {
	var keys []string
	for key := range annotations {
		if strings.HasPrefix(key, AnnotationEnvPrefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // so that of several mistakes the same is told of each time
	var prefixes map[string]string
	for _, key := range keys {
		connection := strings.TrimPrefix(key, AnnotationEnvPrefix)
		prefix := strings.TrimSpace(annotations[key])
		if !isPrefix(prefix) {
			return nil, Deny(ReasonMalformed,
				"annotation %s: %s cannot start a variable's name; write letters, digits and underscores, not starting with a digit",
				Cut(key), Quote(prefix))
		}
		if prefixes == nil {
			prefixes = map[string]string{}
		}
		prefixes[connection] = prefix
	}
	return prefixes, nil
}

// isLabel reports whether name is a DNS-1123 label of at most max bytes.
func isLabel(name string, maxLength int) bool {
	if name == "" || len(name) > maxLength || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isPrefix reports whether prefix may start the name of an environment
// variable. Dots and dashes are legal there, too; source: k8s.io/apimachinery
// util/validation IsEnvVarName.
func isPrefix(prefix string) bool {
	if prefix == "" || len(prefix) > maxPrefixLength || prefix[0] >= '0' && prefix[0] <= '9' {
		return false
	}
	for i := range len(prefix) {
		if !isVariableByte(prefix[i]) {
			return false
		}
	}
	return true
}

func isVariableByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// Quote quotes text that somebody else wrote for a message, as Cut does.
func Quote(text string) string { return `"` + Cut(text) + `"` }

// Cut makes text that somebody else wrote fit for a message: bounded, in ASCII,
// with all else escaped.
func Cut(text string) string {
	end := ""
	if len(text) > maxQuoted {
		text, end = strings.ToValidUTF8(text[:maxQuoted], ""), "..."
	}
	quoted := strconv.QuoteToASCII(text)
	return quoted[1:len(quoted)-1] + end
}
