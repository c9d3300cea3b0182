// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"serviceconnector.dev/test/script"
)

// TestScripts runs kubectl with the plugin in its path, as a person does. Each
// script has a namespace of its own, $NAMESPACE, in which it starts, and a
// kubeconfig without rights, $STRANGER.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		Setup:         func(env *testscript.Env) error { return setupScript(t, env) },
		Cmds:          script.Commands(),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func setupScript(t *testing.T, env *testscript.Env) error {
	namespace, err := script.Kubectl(t.Context(), env, controlPlane, plugin)
	if err != nil {
		return err
	}
	nobody := filepath.Join(env.WorkDir, ".stranger")
	env.Setenv("STRANGER", nobody)
	return script.CopyKubeconfig(controlPlane.UserKubeconfig(stranger), nobody, namespace)
}
