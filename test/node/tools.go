// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

const (
	// ToolsImage is an image that every node has. Its commands are in
	// images/tools: printenv, cat, ls, sleep, serve, get. The entrypoint takes the
	// command's name as the first argument; /bin has each under its name too.
	ToolsImage = "localhost/tools:1"
	// ShopImage is an image that LoadShop loads: an application that uses a
	// PostgreSQL and a Redis; see images/shop. Its argument is once or serve.
	ShopImage = "localhost/shop:1"
	// pauseImage holds a pod's namespaces open.
	pauseImage = "localhost/pause:1"

	packageTools        = "serviceconnector.dev/test/node/images/tools"
	packageShop         = "serviceconnector.dev/test/node/images/shop"
	packageSecretsStore = "serviceconnector.dev/test/node/secretsstore"
)

// loadTools builds the tools and loads them, and the sandbox image with them.
func (n *Node) loadTools(ctx context.Context) error {
	binary, err := n.build(ctx, packageTools)
	if err != nil {
		return err
	}
	tools := Image{Name: ToolsImage, Files: map[string]string{}, Entrypoint: []string{"/bin/tools"}}
	for _, command := range []string{"tools", "printenv", "cat", "ls", "sleep", "serve", "get"} {
		tools.Files["/bin/"+command] = binary
	}
	if err := n.LoadImage(ctx, tools); err != nil {
		return err
	}
	return n.LoadImage(ctx, Image{
		Name:       pauseImage,
		Files:      map[string]string{"/pause": binary},
		Entrypoint: []string{"/pause"},
	})
}

// LoadShop builds ShopImage and gives it to the node.
func (n *Node) LoadShop(ctx context.Context) error {
	binary, err := n.build(ctx, packageShop)
	if err != nil {
		return err
	}
	return n.LoadImage(ctx, Image{
		Name:       ShopImage,
		Files:      map[string]string{"/bin/shop": binary},
		Entrypoint: []string{"/bin/shop"},
		User:       "65532",
	})
}

// build builds one of this module's commands into the data folder, as a static
// binary. The working directory has to be in this module.
func (n *Node) build(ctx context.Context, pkg string) (string, error) {
	binary := filepath.Join(n.Cluster.Dir, "bin", filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}
