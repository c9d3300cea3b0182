// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// LogFilter chooses lines of the webhook's log.
type LogFilter struct {
	// Namespace chooses lines about this namespace; "" all of them.
	Namespace string
	// Connections chooses lines about one of these; none means all.
	Connections []string
}

// Match reports whether a line of the log, a JSON object, is about what the
// filter names. A line that is no JSON is about nothing.
func (f LogFilter) Match(line []byte) bool {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return f.Namespace == "" && len(f.Connections) == 0
	}
	if namespace, named := fields["namespace"].(string); f.Namespace != "" && named && namespace != f.Namespace {
		return false
	}
	if len(f.Connections) == 0 {
		_, named := fields["namespace"]
		return f.Namespace == "" || named
	}
	return slices.ContainsFunc(f.Connections, func(name string) bool { return mentions(fields, name) })
}

// mentions reports whether a field speaks of a connection: as a name, as the end
// of an owner, or in quotes in a message.
func mentions(fields map[string]any, name string) bool {
	for _, field := range fields {
		text, isText := field.(string)
		if isText && (text == name || strings.HasSuffix(text, "/"+name) || strings.Contains(text, `"`+name+`"`)) {
			return true
		}
	}
	return false
}

// ConnectionsOf returns the names that a target asks for.
func ConnectionsOf(ctx context.Context, r client.Reader, target Target) ([]string, error) {
	s, err := loadSubject(ctx, r, target)
	if err != nil {
		return nil, err
	}
	a, _ := checkAsked(s)
	return a.request.Connections, nil
}
