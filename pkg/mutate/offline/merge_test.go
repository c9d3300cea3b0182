// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	tests := map[string]struct{ mine, base, theirs, want string }{
		"nothing changed":       {"a\n\nb\n", "a\nb\n", "a\nb\n", "a\n\nb\n"},
		"only theirs":           {"a\nb\n", "a\nb\n", "a\nx\nb\n", "a\nx\nb\n"},
		"beside a blank line":   {"a\n\nb\n", "a\nb\n", "a\nx\nb\n", "a\nx\n\nb\n"},
		"the same line":         {"a: {b:  1}\nc\n", "a: {b: 1}\nc\n", "a: {b: 1, d: 2}\nc\n", "a: {b: 1, d: 2}\nc\n"},
		"another line":          {"a:  1\nb\n", "a: 1\nb\n", "a: 1\nx\n", "a:  1\nx\n"},
		"removed":               {"a\n\nb\nc\n", "a\nb\nc\n", "a\nc\n", "a\nc\n"},
		"without a line's end":  {"a", "a\n", "a\nb\n", "a\nb\n"},
		"nothing in common":     {"x", "y\n", "z\n", "z\n"},
		"comments that we drop": {"# c\na\nb # d\n", "a\nb # d\n", "a\nb # d\ne\n", "# c\na\nb # d\ne\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := merge(test.mine, test.base, test.theirs)
			if diff := cmp.Diff(test.want, got); diff != "" || !ok {
				t.Errorf("ok %v (-want +got):\n%s", ok, diff)
			}
		})
	}
	large := strings.Repeat("x\n", 10_000)
	if _, ok := merge("a\n"+large+"b\n", "c\n"+strings.Repeat("y\n", 10_000)+"d\n", large); ok {
		t.Error("what is too large was merged")
	}
}
