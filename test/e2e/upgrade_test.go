// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"serviceconnector.dev/test/product"
)

// A chart of the earlier version is upgraded to this one, and then its values
// are changed, while pods are created: none is refused.
func TestUpgrade(t *testing.T) {
	ctx := t.Context()
	root, err := product.Root(ctx)
	if err != nil {
		t.Fatal(err)
	}
	source, err := earlier(ctx, root, current.version, filepath.Join(t.TempDir(), "earlier"))
	if err != nil {
		t.Fatal(err)
	}
	from := "from the chart before, "
	if source == "" {
		from, source = "history has no earlier chart: from the same, ", root
	}
	previous, err := load(ctx, root, source, "earlier")
	if err != nil {
		t.Fatal(err)
	}
	if err := uninstall(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { restore(t) })
	if err := previous.install(ctx); err != nil {
		t.Fatal(err)
	}
	if err := settled(ctx, 2); err != nil {
		t.Fatal(err)
	}
	during(t, "helm upgrade, "+from+previous.version+" to "+current.version, 2)
	during(t, "helm upgrade, values changed (three replicas, two namespaces alone, another port)", 3,
		"replicas=3", "namespaces.only={shop,default}", "port=10250", "logging.level=debug")
	during(t, "helm upgrade, values taken back", 2)
}

// during upgrades to the current chart while pods are created, until the last
// replica of before is gone.
func during(t *testing.T, what string, replicas int, values ...string) {
	t.Helper()
	pods := startTraffic(t)
	if err := current.install(t.Context(), values...); err != nil {
		t.Fatal(err)
	}
	if err := settled(t.Context(), replicas); err != nil {
		t.Fatal(err)
	}
	pods.end().wantNoneRefused(t)
	record(what, "%s", pods)
}

// restore brings back what the tests start with.
func restore(t *testing.T) {
	t.Helper()
	// The test's own context has ended.
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := setUp(ctx); err != nil {
		t.Error(err)
	}
}
