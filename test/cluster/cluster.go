// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Cluster is a running control plane. Its methods may be called from several
// goroutines.
type Cluster struct {
	// Dir is the data folder. The log of each component lies in it, as
	// kube-apiserver.log and so on.
	Dir string
	// URL is the API server's address.
	URL string
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string
	// AuditLog is the path of the audit log, "" without one.
	AuditLog string

	config   *rest.Config
	binaries map[string]string
	detach   bool
	// complete says that Start came to its end.
	complete bool
	// ownsDir says that Stop removes Dir.
	ownsDir bool

	mu sync.Mutex
	// processes are the components in the order of their start.
	processes []*process
}

// Process is one of a cluster's processes.
type Process struct {
	Name    string
	PID     int
	Running bool
}

// Start starts a control plane and waits until it can be used. The context
// bounds the start alone; the cluster runs until Stop.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Detach && !canDetach {
		return nil, errors.New("a cluster cannot be detached on this system; leave Detach out")
	}
	binaries, err := findBinaries(ctx, o.binaries(), o.output())
	if err != nil {
		return nil, err
	}
	c := &Cluster{binaries: binaries, detach: o.Detach}
	if err := c.makeDir(o.DataDir); err != nil {
		return nil, err
	}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// makeDir makes the data folder, or checks the one that was given.
func (c *Cluster) makeDir(dir string) (err error) {
	if dir == "" {
		c.ownsDir = true
		c.Dir, err = os.MkdirTemp("", "serviceconnector-cluster-")
		return err
	}
	if c.Dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("data folder %s is not empty; name one that is, or one that is not there yet", c.Dir)
	}
	return nil
}

// Config returns a client configuration for the administrator. It is the
// caller's own, and has no rate limit.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Binary returns the path of a binary that the cluster was started with, "" for
// any other.
func (c *Cluster) Binary(name string) string { return c.binaries[name] }

// UserKubeconfig returns the path of the kubeconfig of one of Options.Users.
func (c *Cluster) UserKubeconfig(user string) string { return c.kubeconfig(user) }

// Processes returns the cluster's processes in the order of their start.
func (c *Cluster) Processes() []Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Process
	for _, p := range c.processes {
		all = append(all, Process{Name: p.Name, PID: p.PID, Running: p.running()})
	}
	return all
}

// ErrIncomplete says that the process that starts the cluster has not started all
// of it. If that process is gone, the cluster can only be stopped.
var ErrIncomplete = errors.New("its start is under way or was interrupted")

// Check returns nil if every component runs and the cluster can be used.
func (c *Cluster) Check(ctx context.Context) error {
	if !c.complete {
		return ErrIncomplete
	}
	for _, p := range c.Processes() {
		if !p.Running {
			return fmt.Errorf("%s (process %d) is not running", p.Name, p.PID)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := c.apiServerReady(ctx); err != nil {
		return err
	}
	return c.namespaceReady(ctx)
}

// Stop ends the components, the last one started first, and removes the data
// folder if Start made it. A second Stop does nothing.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(c.processes) {
		errs = append(errs, p.stop())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c.processes = nil
	if c.ownsDir {
		return os.RemoveAll(c.Dir)
	}
	if c.detach {
		return removeState(c.Dir)
	}
	return nil
}

// startTimeout bounds a start, binaries not counted.
const startTimeout = 2 * time.Minute

// requestTimeout bounds one request that looks at a condition.
const requestTimeout = 2 * time.Second
