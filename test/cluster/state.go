// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
)

// state is what Open needs to know of a detached cluster. It is written at the
// start of each process, so that an interrupted Start can be cleaned up too.
type state struct {
	Complete   bool              `json:"complete"`
	URL        string            `json:"url"`
	Kubeconfig string            `json:"kubeconfig"`
	AuditLog   string            `json:"auditLog,omitempty"`
	Binaries   map[string]string `json:"binaries"`
	Processes  []record          `json:"processes"`
}

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }

// Open finds a detached cluster by its data folder, whether its processes still
// run or not: see Check. The error is fs.ErrNotExist if there is no cluster.
func Open(dir string) (*Cluster, error) {
	raw, err := os.ReadFile(stateFile(dir))
	if err != nil {
		return nil, fmt.Errorf("opening the cluster in %s: %w", dir, err)
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("reading %s: %w", stateFile(dir), err)
	}
	c := &Cluster{
		Dir:        dir,
		URL:        s.URL,
		Kubeconfig: s.Kubeconfig,
		AuditLog:   s.AuditLog,
		binaries:   s.Binaries,
		detach:     true,
		complete:   s.Complete,
	}
	for _, r := range s.Processes {
		p, err := find(r)
		if err != nil {
			return nil, err
		}
		c.processes = append(c.processes, p)
	}
	if c.config, err = loadConfig(c.Kubeconfig); err != nil {
		// The start was interrupted early, or the file was removed. The cluster can
		// still be stopped; requests are refused.
		c.config = &rest.Config{Host: c.URL}
	}
	return c, nil
}

// saveState writes the state of a detached cluster, whole or not at all.
func (c *Cluster) saveState() error {
	if !c.detach {
		return nil
	}
	s := state{Complete: c.complete, URL: c.URL, Kubeconfig: c.Kubeconfig, AuditLog: c.AuditLog, Binaries: c.binaries}
	for _, p := range c.processes {
		s.Processes = append(s.Processes, p.record)
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the cluster's state: %w", err)
	}
	path := stateFile(c.Dir)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return fmt.Errorf("writing the cluster's state: %w", err)
	}
	return os.Rename(path+".new", path)
}

func removeState(dir string) error {
	err := os.Remove(stateFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
