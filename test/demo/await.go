// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	// pause is between two looks, and progress between two words about it.
	pause    = 100 * time.Millisecond
	progress = 2 * time.Second
)

// await looks until what is looked at is as it should be, or patience is up; then the
// error says what is missing. Meanwhile it says so, too.
func (d *demo) await(ctx context.Context, look func(context.Context) error) error {
	start := time.Now()
	for told := start; ; {
		err := look(ctx)
		if err == nil {
			return nil
		}
		waited := time.Since(start).Round(time.Second)
		if time.Since(start) > patience {
			return fmt.Errorf("after %s: %w", waited, err)
		}
		if time.Since(told) >= progress {
			told = time.Now()
			d.step("  after %s: %s", waited, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped after %s: %w", waited, err)
		case <-time.After(pause):
		}
	}
}
