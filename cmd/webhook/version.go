// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and revision are stamped by the build.
var (
	version  = "dev"
	revision = ""
)

// versionLine is what webhook version prints. Its first word is the version, for
// scripts.
func versionLine() string {
	return fmt.Sprintf("%s (commit %s, %s, %s/%s)", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit is the stamped one, or else that which go build found in the work tree.
func commit() string {
	if revision != "" {
		return revision
	}
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}
