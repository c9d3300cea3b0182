// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"serviceconnector.dev/test/product"
	"serviceconnector.dev/test/script"
)

// TestScripts runs the plugin's examples that the others cannot: those about the
// webhook's own pods.
func TestScripts(t *testing.T) {
	plugin, err := product.BuildPlugin(t.Context(), machine.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: script.Commands(),
		Setup: func(env *testscript.Env) error {
			raw, err := os.ReadFile(machine.Cluster.Kubeconfig)
			if err != nil {
				return err
			}
			kubeconfig := filepath.Join(env.WorkDir, ".kubeconfig")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBECONFIG", kubeconfig)
			env.Setenv("PATH", strings.Join([]string{filepath.Dir(plugin), filepath.Dir(machine.Cluster.Binary("kubectl")), os.Getenv("PATH")}, string(os.PathListSeparator)))
			return os.WriteFile(kubeconfig, raw, 0o600)
		},
	})
	record("kubectl connection logs and doctor", "as in their help")
}
