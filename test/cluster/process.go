// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// pollInterval is how often a condition is looked at.
	pollInterval = 50 * time.Millisecond
	// stopGrace is how long a component may take to end when it is asked to, and
	// again when it is killed.
	stopGrace = 5 * time.Second
)

// process is a running component: a child of this process, or one that was
// found again by its record.
type process struct {
	record
	handle *os.Process
	// ended is closed when a child ended. It is nil for one that was found again.
	ended chan struct{}
	// ready returns nil once it can be used. It is nil for one that was found again.
	ready func(context.Context) error
	// logStart is where in the log this run begins.
	logStart int64
}

// record is what it takes to find a process again, and to start its like.
type record struct {
	Name     string   `json:"name"`
	Path     string   `json:"path"`
	Args     []string `json:"args"`
	Log      string   `json:"log"`
	Env      []string `json:"env,omitempty"`
	PID      int      `json:"pid"`
	Identity string   `json:"identity"`
}

// run starts a component. Its output is appended to its log.
func run(r record, detach bool) (*process, error) {
	log, err := os.OpenFile(r.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", r.Name, err)
	}
	defer func() { _ = log.Close() }()
	info, err := log.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the log of %s: %w", r.Name, err)
	}
	cmd := exec.Command(r.Path, r.Args...)
	cmd.Dir = filepath.Dir(r.Log)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(componentEnv(os.Environ()), r.Env...)
	start := startChild
	if detach {
		start = startDetached
	}
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", r.Name, err)
	}
	r.PID = cmd.Process.Pid
	// No identity means that it ended already, which the caller sees anyway.
	r.Identity, _ = identity(r.PID)
	p := &process{record: r, handle: cmd.Process, ended: make(chan struct{}), logStart: info.Size()}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	return p, nil
}

// find finds a process again by its record.
func find(r record) (*process, error) {
	// The handle is taken first: where it is bound to the process, and not to the
	// number, the process that is identified is the one that gets the signals.
	handle, err := os.FindProcess(r.PID)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", r.Name, err)
	}
	return &process{record: r, handle: handle}, nil
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	if p.ended != nil {
		select {
		case <-p.ended:
			return false
		default:
			return true
		}
	}
	now, ok := identity(p.PID)
	return ok && now == p.Identity
}

// stop asks the process to end and, after a while, makes it.
func (p *process) stop() error {
	var refused error
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if !p.running() {
			return nil
		}
		err := p.handle.Signal(signal)
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			refused = fmt.Errorf("stopping %s (process %d): %w", p.Name, p.PID, err)
			continue
		}
		if p.waitEnded(stopGrace) {
			return nil
		}
	}
	if refused != nil {
		return refused
	}
	return fmt.Errorf("stopping %s: process %d is still there after it was killed", p.Name, p.PID)
}

// kill ends the process without notice.
func (p *process) kill() error {
	if err := p.handle.Signal(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", p.Name, err)
	}
	if !p.waitEnded(stopGrace) {
		return fmt.Errorf("%s is still there after it was killed", p.Name)
	}
	return nil
}

// waitEnded reports whether the process ended in time.
func (p *process) waitEnded(limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pollInterval / 5) {
		if !p.running() {
			return true
		}
	}
	return !p.running()
}

// componentEnv keeps of the environment what cannot change a component's
// behaviour: etcd takes ETCD_ variables for flags, and a proxy would come between
// the API server and its webhooks.
func componentEnv(environ []string) []string {
	kept := []string{"PATH", "HOME", "TMPDIR", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"}
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !slices.Contains(kept, name)
	})
}
