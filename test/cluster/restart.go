// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
)

// RestartAPIServer ends the API server and starts it again, with the same port,
// data and flags, and the controllers with it. It returns when the API server is
// ready again.
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
// itself, and waits until it is ready. The controllers are started anew: their
// watches come back later and later, up to a minute after a long outage.
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
	if err := c.again(i); err != nil {
		return err
	}
	if err := await(ctx, c.processes[i], c.apiServerReady); err != nil {
		return err
	}
	for i, p := range c.processes {
		if p.Name != controllerManager && p.Name != scheduler {
			continue
		}
		if err := errors.Join(p.stop(), c.again(i)); err != nil {
			return err
		}
	}
	return nil
}

// again starts a component that has ended.
func (c *Cluster) again(i int) error {
	p, err := run(c.processes[i].record, c.detach)
	if err != nil {
		return err
	}
	p.ready = c.processes[i].ready
	c.processes[i] = p
	return c.saveState()
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
