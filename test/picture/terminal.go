// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/creack/pty"

	"serviceconnector.dev/test/cluster"
)

// columns is the width of the terminal.
const columns = 100

// inTerminal runs a command line in a terminal of its own, and returns what is
// seen there. A command may fail; one that cannot be run may not.
func inTerminal(ctx context.Context, c *cluster.Cluster, line string) (string, error) {
	words := strings.Fields(line)
	path := c.Dir + string(os.PathListSeparator) + filepath.Dir(c.Binary("kubectl"))
	command := exec.CommandContext(ctx, c.Binary(words[0]), words[1:]...)
	command.Env = []string{"PATH=" + path, "HOME=" + c.Dir, "KUBECONFIG=" + c.Kubeconfig, "TERM=xterm-256color"}
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 50, Cols: columns})
	if err != nil {
		return "", err
	}
	defer func() { _ = terminal.Close() }()
	var seen bytes.Buffer
	// Linux answers the end of the other side with EIO.
	if _, err := io.Copy(&seen, terminal); err != nil && !errors.Is(err, syscall.EIO) {
		return "", err
	}
	var exited *exec.ExitError
	if err := command.Wait(); err != nil && !errors.As(err, &exited) {
		return "", err
	}
	return strings.ReplaceAll(seen.String(), "\r\n", "\n"), nil
}
