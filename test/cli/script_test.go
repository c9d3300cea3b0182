// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"

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
	namespace := strings.ReplaceAll(filepath.Base(env.WorkDir), "script-", "cli-")
	if _, err := controlPlane.Kubectl(t.Context(), "create", "namespace", namespace); err != nil {
		return err
	}
	kubeconfig := filepath.Join(env.WorkDir, ".kubeconfig")
	nobody := filepath.Join(env.WorkDir, ".stranger")
	for path, source := range map[string]string{kubeconfig: controlPlane.Kubeconfig, nobody: controlPlane.UserKubeconfig(stranger)} {
		if err := copyKubeconfig(source, path, namespace); err != nil {
			return err
		}
	}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("NAMESPACE", namespace)
	env.Setenv("KUBECONFIG", kubeconfig)
	env.Setenv("STRANGER", nobody)
	env.Setenv("PATH", strings.Join([]string{
		filepath.Dir(plugin), filepath.Dir(controlPlane.Binary("kubectl")), os.Getenv("PATH"),
	}, string(os.PathListSeparator)))
	return nil
}

// copyKubeconfig copies a kubeconfig with another namespace.
func copyKubeconfig(source, target, namespace string) error {
	config, err := clientcmd.LoadFromFile(source)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	for _, context := range config.Contexts {
		context.Namespace = namespace
	}
	return clientcmd.WriteToFile(*config, target)
}
