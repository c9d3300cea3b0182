// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package script

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"

	"serviceconnector.dev/test/cluster"
)

// Kubectl sets a script up to run kubectl with the plugin of a path, as the
// administrator, in a namespace of its own, $NAMESPACE, which it returns.
func Kubectl(ctx context.Context, env *testscript.Env, c *cluster.Cluster, plugin string) (namespace string, err error) {
	namespace = strings.ReplaceAll(filepath.Base(env.WorkDir), "script-", "cli-")
	if _, err := c.Kubectl(ctx, "create", "namespace", namespace); err != nil {
		return "", err
	}
	kubeconfig := filepath.Join(env.WorkDir, ".kubeconfig")
	if err := CopyKubeconfig(c.Kubeconfig, kubeconfig, namespace); err != nil {
		return "", err
	}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("NAMESPACE", namespace)
	env.Setenv("KUBECONFIG", kubeconfig)
	env.Setenv("PATH", strings.Join([]string{
		filepath.Dir(plugin), filepath.Dir(c.Binary("kubectl")), os.Getenv("PATH"),
	}, string(os.PathListSeparator)))
	return namespace, nil
}

// CopyKubeconfig copies a kubeconfig with another namespace.
func CopyKubeconfig(source, target, namespace string) error {
	config, err := clientcmd.LoadFromFile(source)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	for _, context := range config.Contexts {
		context.Namespace = namespace
	}
	return clientcmd.WriteToFile(*config, target)
}
