// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Reasons has every constant, in their order.
func TestReasonsAreAll(t *testing.T) {
	raw, err := os.ReadFile("denial.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []Reason
	for _, match := range regexp.MustCompile(`(?m)^\tReason\w+ +Reason = "(\w+)"$`).FindAllStringSubmatch(string(raw), -1) {
		want = append(want, Reason(match[1]))
	}
	if diff := cmp.Diff(want, Reasons()); diff != "" {
		t.Errorf("reasons (-constants +Reasons):\n%s", diff)
	}
}
