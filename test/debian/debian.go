// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package debian installs Debian's packages for tests.
package debian

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Install installs packages with apt-get, as root, and shows the progress on out.
// No packages are no work. The services of a package start if this machine lets
// them: see policy-rc.d(8).
func Install(ctx context.Context, out io.Writer, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("there is no apt-get to install %s; install it by hand", strings.Join(packages, ", "))
	}
	install := append([]string{"install", "-y", "--no-install-recommends"}, packages...)
	if aptGet(ctx, out, install...) == nil {
		return nil
	}
	// A machine whose package lists are missing or old needs them first.
	if err := aptGet(ctx, out, "update"); err != nil {
		return err
	}
	return aptGet(ctx, out, install...)
}

func aptGet(ctx context.Context, out io.Writer, args ...string) error {
	fmt.Fprintln(out, "apt-get", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
