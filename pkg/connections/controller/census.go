// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"serviceconnector.dev/pkg/connections/cluster"
)

// censusEvery is how often connections and objects are counted.
const censusEvery = 15 * time.Second

// census counts for the metrics what the index knows, for as long as this replica
// leads.
type census struct {
	index      *cluster.Index
	renderings *renderings
	meter      Meter
}

// Start counts until ctx ends.
func (c *census) Start(ctx context.Context) error {
	tick := time.NewTicker(censusEvery)
	defer tick.Stop()
	for {
		c.take()
		select {
		case <-ctx.Done():
			c.meter.Census(0, 0, 0, 0) // the next leader's to tell
			return nil
		case <-tick.C:
		}
	}
}

func (c *census) take() {
	c.renderings.sweep()
	ready, notReady, current, outdated := 0, 0, 0, 0
	for owner, offer := range c.index.Definitions() {
		if offer.Binding == nil || offer.Doubt != nil {
			notReady++
		} else {
			ready++
		}
		if offer.Binding == nil {
			continue
		}
		credentials, known := c.renderings.credentials(owner)
		total, now := c.index.Count(offer.Binding, credentials)
		if !known {
			now = total // nothing is known against them
		}
		current += now
		outdated += total - now
	}
	c.meter.Census(ready, notReady, current, outdated)
}
