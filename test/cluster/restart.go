// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
)

// RestartAPIServer ends the API server and starts it again, with the same port,
// data and flags. The other components keep running. It returns when the API
// server is ready again.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// StopAPIServer ends the API server alone. Clients see refused connections until
// StartAPIServer.
func (c *Cluster) StopAPIServer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, err := c.find(apiServer)
	if err != nil {
		return err
	}
	return c.processes[i].stop()
}

// StartAPIServer starts the API server after StopAPIServer, or after it ended by
// itself, and waits until it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	i, err := c.find(apiServer)
	if err != nil {
		return err
	}
	if c.processes[i].running() {
		return errors.New("starting the API server: it is running; stop it first")
	}
	p, err := run(c.processes[i].record, c.detach)
	if err != nil {
		return err
	}
	c.processes[i] = p
	if err := c.saveState(); err != nil {
		return err
	}
	return await(ctx, p, c.apiServerReady)
}

// find returns the index of a component.
func (c *Cluster) find(name string) (int, error) {
	for i, p := range c.processes {
		if p.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the cluster has no %s: it was stopped", name)
}
