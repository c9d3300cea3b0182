// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Result says how a check came out.
type Result string

// The results.
const (
	OK      Result = "OK"
	Warning Result = "Warning"
	Failure Result = "Failure"
)

// Finding is the outcome of one check.
type Finding struct {
	// Check names what was looked at, in a few words.
	Check string `json:"check"`
	// Result says how it came out.
	Result Result `json:"result"`
	// Detail says what was found.
	Detail string `json:"detail"`
	// Hint says what to do; "" where there is nothing to do.
	Hint string `json:"hint,omitempty"`
}

// Worst returns the worst result among findings.
func Worst(findings []Finding) Result {
	worst := OK
	for _, f := range findings {
		if f.Result == Failure {
			return Failure
		}
		if f.Result == Warning {
			worst = Warning
		}
	}
	return worst
}

// firstOf returns the first finding with a result.
func firstOf(findings []Finding, result Result) (Finding, bool) {
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.Result == result })
	if i < 0 {
		return Finding{}, false
	}
	return findings[i], true
}

func ok(check, format string, args ...any) Finding {
	return Finding{Check: check, Result: OK, Detail: fmt.Sprintf(format, args...)}
}

func warning(check, hint, format string, args ...any) Finding {
	return Finding{Check: check, Result: Warning, Hint: hint, Detail: fmt.Sprintf(format, args...)}
}

func failure(check, hint, format string, args ...any) Finding {
	return Finding{Check: check, Result: Failure, Hint: hint, Detail: fmt.Sprintf(format, args...)}
}

// unseen is the finding where something could not be looked at.
func unseen(check string, err error) Finding {
	if apierrors.IsForbidden(err) {
		return warning(check, "ask for the right, or let an administrator run this", "cannot be looked at: you lack the right: %v", err)
	}
	return warning(check, "", "cannot be looked at: %v", err)
}
