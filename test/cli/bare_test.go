// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// A cluster without the product, and then with its kinds but without its webhook.
func TestNotInstalled(t *testing.T) {
	t.Parallel()
	bare, err := cluster.Start(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bare.Stop(); err != nil {
			t.Error(err)
		}
	})
	list := func() (stderr string, exit int) {
		_, stderr, exit = runPlugin(t, "", "list", "--kubeconfig", bare.Kubeconfig, "--cache-dir", t.TempDir())
		return stderr, exit
	}

	want := "error: Service Connector is not installed in this cluster: it does not know the kind Connection of serviceconnector.dev; " +
		"install it, or choose another cluster with --context\n"
	if stderr, exit := list(); stderr != want || exit != 1 {
		t.Errorf("without the kinds: exit %d, %s", exit, stderr)
	}

	root, err := product.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Kubectl(t.Context(), "apply", "--server-side", "-f", filepath.Join(root, "manifests", "crds")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the warning", func() (bool, string) {
		stderr, exit := list()
		return exit == 0 && strings.Contains(stderr, `warning: the webhook configuration "admission.serviceconnector.dev" is missing, so that pods get nothing`), stderr
	})
}
