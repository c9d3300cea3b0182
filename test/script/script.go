// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package script has what the tests' scripts need beyond testscript: commands, and
// the way to a cluster.
package script

import (
	"context"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Commands returns the commands by name.
func Commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"eventually": eventually,
		"whatever":   whatever,
	}
}

// eventually runs a command until its output matches: eventually PATTERN COMMAND
// ARGS.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND ARGS")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	err = wait.PollUntilContextTimeout(context.Background(), 200*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout")), nil
	})
	if err != nil {
		ts.Fatalf("no match for %q: %v; last:\n%s%s", args[0], err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// whatever runs a command that may end with any status: whatever COMMAND ARGS.
func whatever(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: whatever COMMAND ARGS")
	}
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		ts.Logf("%v", err)
	}
}
