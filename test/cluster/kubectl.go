// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Kubectl runs kubectl as the administrator and returns what it printed. The
// error holds what it complained about.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	// The discovery cache is kept by address, and an earlier cluster may have had
	// this one's.
	return c.client(ctx, c.binaries[kubectl], []string{"KUBECACHEDIR=" + filepath.Join(c.Dir, "kubectl-cache")}, args)
}

// Helm runs the helm at path as Kubectl runs kubectl. What helm keeps, it keeps
// in the cluster's folder, and no setting of the caller's own helm counts.
func (c *Cluster) Helm(ctx context.Context, path string, args ...string) (string, error) {
	home := filepath.Join(c.Dir, "helm")
	return c.client(ctx, path, []string{
		"HELM_CACHE_HOME=" + filepath.Join(home, "cache"),
		"HELM_CONFIG_HOME=" + filepath.Join(home, "config"),
		"HELM_DATA_HOME=" + filepath.Join(home, "data"),
	}, args)
}

// client runs a command of the administrator's.
func (c *Cluster) client(ctx context.Context, path string, env, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(withoutHelm(os.Environ()), append(env, "KUBECONFIG="+c.Kubeconfig)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(path), strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// withoutHelm returns variables without those that helm reads: HELM_KUBETOKEN and
// its like would win over the kubeconfig.
func withoutHelm(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "HELM_") })
}
