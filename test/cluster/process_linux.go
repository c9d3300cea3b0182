// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// canDetach says that a detached process can be found again for certain.
const canDetach = true

// startChild starts a command that the kernel kills when this process ends in
// any way. The command is in a process group of its own, so that Ctrl-C in a
// terminal reaches this process alone, which then stops its children in order.
func startChild(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return starter()(cmd)
}

// startDetached starts a command in a session of its own, which outlives this
// process and its terminal.
func startDetached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// starter returns the function that starts commands from one thread that lasts
// as long as the process. The kernel's death signal follows the thread that
// forked, not the process, and the Go runtime ends threads when it likes to.
var starter = sync.OnceValue(func() func(*exec.Cmd) error {
	commands, results := make(chan *exec.Cmd), make(chan error)
	go func() {
		runtime.LockOSThread()
		for cmd := range commands {
			results <- cmd.Start()
		}
	}()
	var mu sync.Mutex
	return func(cmd *exec.Cmd) error {
		mu.Lock()
		defer mu.Unlock()
		commands <- cmd
		return <-results
	}
})

// identity tells a process from every other that has, had or will have its
// number: by the boot it runs in and the clock tick it started at. It is not ok
// for a process that ended, even if its parent has not noticed yet.
func identity(pid int) (id string, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	// The second field, the command's name in brackets, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const state, startTime = 0, 19
	if len(fields) <= startTime || fields[state] == "Z" || fields[state] == "X" {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[startTime], true
}
