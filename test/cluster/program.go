// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// ProgramSpec says how a program is run beside a cluster.
type ProgramSpec struct {
	// Name is unique in its cluster; the log is called after it.
	Name string
	// Path and Args are the command line.
	Path string
	Args []string
	// Env is added to what it gets of this process's environment.
	Env []string
	// Ready returns nil once the program can be used.
	Ready func(context.Context) error
}

// Program is a program that runs beside a cluster and ends with it.
type Program struct {
	cluster *Cluster
	spec    ProgramSpec
}

// Run starts a program beside the cluster and waits until it is ready. Like a
// component it ends when this process is killed, and Stop of the cluster stops
// it first.
func (c *Cluster) Run(ctx context.Context, spec ProgramSpec) (*Program, error) {
	p := &Program{cluster: c, spec: spec}
	return p, p.Start(ctx)
}

// Start starts the program again after Stop or Kill.
func (p *Program) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p.cluster.mu.Lock()
	started, err := p.start()
	p.cluster.mu.Unlock()
	if err != nil {
		return err
	}
	return await(ctx, started, p.spec.Ready)
}

func (p *Program) start() (*process, error) {
	if i, err := p.cluster.find(p.spec.Name); err == nil {
		if p.cluster.processes[i].running() {
			return nil, fmt.Errorf("starting %s: it is running; stop it first", p.spec.Name)
		}
		p.cluster.processes = slices.Delete(p.cluster.processes, i, i+1)
	}
	started, err := run(record{Name: p.spec.Name, Path: p.spec.Path, Args: p.spec.Args, Log: p.Log(), Env: p.spec.Env}, p.cluster.detach)
	if err != nil {
		return nil, err
	}
	started.ready = p.spec.Ready
	p.cluster.processes = append(p.cluster.processes, started)
	return started, p.cluster.saveState()
}

// Log returns the path of the program's log.
func (p *Program) Log() string { return filepath.Join(p.cluster.Dir, p.spec.Name+".log") }

// Stop asks the program to end and waits until it has.
func (p *Program) Stop() error {
	running, err := p.process()
	if err != nil {
		return err
	}
	return running.stop()
}

// Kill ends the program without notice.
func (p *Program) Kill() error {
	running, err := p.process()
	if err != nil {
		return err
	}
	return running.kill()
}

func (p *Program) process() (*process, error) {
	p.cluster.mu.Lock()
	defer p.cluster.mu.Unlock()
	i, err := p.cluster.find(p.spec.Name)
	if err != nil {
		return nil, err
	}
	return p.cluster.processes[i], nil
}

// FreePorts returns n different loopback ports on which nobody listens. That
// can change before they are used.
func FreePorts(n int) ([]int, error) { return freePorts(n) }
