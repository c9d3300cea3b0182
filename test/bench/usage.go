// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pid returns the process of that name, as it is now.
func (w *world) pid(name string) (int, error) {
	for _, p := range w.plane.Processes() {
		if p.Name == name && p.Running {
			return p.PID, nil
		}
	}
	return 0, fmt.Errorf("no process %q runs", name)
}

// cpu returns the processor time that a process has had. Source: the first figure
// of /proc/PID/task/TID/schedstat, in nanoseconds (Documentation/scheduler/
// sched-stats.rst); what /proc/PID/stat says is in hundredths of a second.
func (w *world) cpu(name string) (time.Duration, error) {
	if name == "" {
		return 0, nil
	}
	pid, err := w.pid(name)
	if err != nil {
		return 0, err
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("process %d: no threads: %w", pid, errors.Join(err, fs.ErrNotExist))
	}
	var total time.Duration
	for _, path := range threads {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that ended
		}
		first, _, _ := strings.Cut(string(raw), " ")
		ran, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		total += time.Duration(ran)
	}
	return total, nil
}

// memory is what a process holds, in MiB: now, and at most since its start. Source:
// VmRSS and VmHWM of /proc/PID/status, proc_pid_status(5).
type memory struct {
	Now  float64 `json:"now"`
	Most float64 `json:"most"`
}

// process is the process of a contender, and what it holds.
type process struct {
	Contender string `json:"contender"`
	What      string `json:"what"`
	Memory    memory `json:"mebibytes"`
}

// processes returns those of the contenders, as they are now.
func (w *world) processes() ([]process, error) {
	var all []process
	for _, c := range w.contenders {
		if !c.hasProcess() {
			continue
		}
		m, err := w.memory(c.Process)
		if err != nil {
			return nil, err
		}
		all = append(all, process{Contender: c.Name, What: c.What, Memory: m})
	}
	return all, nil
}

func (w *world) memory(name string) (memory, error) {
	pid, err := w.pid(name)
	if err != nil {
		return memory{}, err
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	var m memory
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "VmRSS:" && fields[0] != "VmHWM:" {
			continue
		}
		kib, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return memory{}, err
		}
		if fields[0] == "VmRSS:" {
			m.Now = kib / 1024
		} else {
			m.Most = kib / 1024
		}
	}
	return m, nil
}
