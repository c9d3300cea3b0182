// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"serviceconnector.dev/test/debian"
)

// commands are the programs of other projects that a node needs, with the Debian
// package of each.
var commands = map[string]string{
	"containerd":              "containerd",
	"containerd-shim-runc-v2": "containerd",
	"ctr":                     "containerd",
	"runc":                    "runc",
	"nft":                     "nftables",
	"ip":                      "iproute2",
	"mount":                   "mount",
	"umount":                  "mount",
}

// networkPlugins are the CNI plugins that a node needs.
var networkPlugins = []string{"bridge", "host-local", "loopback"}

// networkPackage is the Debian package of the CNI plugins.
const networkPackage = "containernetworking-plugins"

// pluginDirs are where CNI plugins lie: Debian's folder and everybody else's.
var pluginDirs = []string{"/usr/lib/cni", "/opt/cni/bin"}

// Requirements returns nil if this machine can run a node. Otherwise it says in
// one line what is missing and how to get it.
func Requirements(context.Context) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a node needs Linux, and this is %s; run it in a virtual machine", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("a node needs root; run it with sudo")
	}
	if err := capabilities(); err != nil {
		return err
	}
	if absent, packages := missing(); len(absent) > 0 {
		return fmt.Errorf("a node needs %s; install it, on Debian with: apt-get install %s",
			strings.Join(absent, ", "), strings.Join(packages, " "))
	}
	return nil
}

// missing returns what is not installed, and the packages that have it.
func missing() (names, packages []string) {
	for name, pkg := range commands {
		if _, err := exec.LookPath(name); err != nil {
			names = append(names, name)
			packages = append(packages, pkg)
		}
	}
	if pluginDir() == "" {
		names = append(names, "the CNI plugins "+strings.Join(networkPlugins, ", "))
		packages = append(packages, networkPackage)
	}
	slices.Sort(names)
	slices.Sort(packages)
	return names, slices.Compact(packages)
}

// pluginDir returns the folder that has all CNI plugins, "" if none has.
func pluginDir() string {
	for _, dir := range pluginDirs {
		lacks := func(name string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err != nil
		}
		if !slices.ContainsFunc(networkPlugins, lacks) {
			return dir
		}
	}
	return ""
}

// capabilities refuses a root that may not do what root does, as in a container.
func capabilities() error {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("reading this process's capabilities: %w", err)
	}
	_, rest, _ := strings.Cut(string(raw), "CapEff:")
	line, _, _ := strings.Cut(rest, "\n")
	effective, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return fmt.Errorf("reading this process's capabilities: %w", err)
	}
	for name, bit := range map[string]uint{"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21} {
		if effective&(1<<bit) == 0 {
			return fmt.Errorf("a node needs %s, which this root lacks; run it on a machine or in a privileged container", name)
		}
	}
	return nil
}

// Install installs on Debian what Requirements misses. It shows the progress on
// out.
func Install(ctx context.Context, out io.Writer) error {
	_, packages := missing()
	return debian.Install(ctx, out, packages)
}
