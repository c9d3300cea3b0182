// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
)

// Reboot ends every component and program without notice, as a machine that loses
// its power does, calls down, and starts all again that ran, in the order of
// their first start: on the same data, ports and flags. It returns when each is
// ready. A cluster that Open found again cannot be rebooted.
func (c *Cluster) Reboot(ctx context.Context, down func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	ran, err := c.killAll()
	if err != nil {
		return err
	}
	if err := down(ctx); err != nil {
		return err
	}
	for _, i := range ran {
		if err := c.again(i); err != nil {
			return err
		}
		if err := await(ctx, c.processes[i], c.processes[i].ready); err != nil {
			return err
		}
	}
	return nil
}

// killAll ends all processes, the last one started first, and returns the indices
// of those that ran, the first one started first.
func (c *Cluster) killAll() ([]int, error) {
	var ran []int
	for i, p := range c.processes {
		if p.ready == nil {
			return nil, fmt.Errorf("rebooting: %s was not started by this process", p.Name)
		}
		if p.running() {
			ran = append(ran, i)
		}
	}
	for _, i := range slices.Backward(ran) {
		if err := c.processes[i].kill(); err != nil {
			return nil, err
		}
	}
	return ran, nil
}
