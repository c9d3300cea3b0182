// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package product

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"serviceconnector.dev/test/cluster"
)

// BuildPlugin builds the kubectl plugin beside a cluster's data, under the name
// by which kubectl finds it, and returns its path.
func BuildPlugin(ctx context.Context, c *cluster.Cluster) (string, error) {
	return build(ctx, filepath.Join(c.Dir, "kubectl-connection"))
}

// build builds the command that a binary is called after.
func build(ctx context.Context, binary string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	// As the release is built, see the Makefile and tools/image.
	command := exec.CommandContext(ctx, "go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "./cmd/"+filepath.Base(binary))
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", filepath.Base(binary), err, out)
	}
	return binary, nil
}
