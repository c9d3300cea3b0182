// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package cluster

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// canDetach says that a detached process can be found again for certain.
const canDetach = true

// startChild starts a command in a process group of its own, so that Ctrl-C in a
// terminal reaches this process alone. These systems have no signal for a
// parent's death: after a kill of this process its children stay.
func startChild(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}

// startDetached starts a command in a session of its own, which outlives this
// process and its terminal.
func startDetached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// identity tells a process from others of its number by the second it started
// at and by its command line, which holds the cluster's folder.
func identity(pid int) (id string, ok bool) {
	out, err := exec.Command("ps", "-ww", "-o", "stat=,lstart=,command=", "-p", strconv.Itoa(pid)).Output()
	state, id, found := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || !found || strings.HasPrefix(state, "Z") {
		return "", false
	}
	return strings.TrimSpace(id), true
}
