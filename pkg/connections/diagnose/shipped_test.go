// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import "testing"

func TestShippedReads(t *testing.T) {
	if n := len(shippedConfiguration().Webhooks); n != 3 {
		t.Errorf("the shipped configuration has %d webhooks, want 3", n)
	}
}
