// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What a node makes outside its data folder has one fixed name each: there is one
// node at a time, and what is found under the name is a leftover.
const (
	nodeBridge  = "sc-node0"
	podBridge   = "sc-pods0"
	network     = "serviceconnector-node"
	nodeCgroup  = "serviceconnector-node"
	shimCgroup  = nodeCgroup + "/shims"
	proxyTables = "kube-proxy"
)

const (
	nodeRange    = "10.99.0.0/24"
	podRange     = "10.244.0.0/24"
	serviceRange = "10.96.0.0/16"
)

// devicePluginSocket is where every kubelet listens, whatever its root folder.
const devicePluginSocket = "/var/lib/kubelet/device-plugins/kubelet.sock"

// sysctls are the kernel settings that a node changes: itself, or by the CNI
// bridge and the kubelet. The value is what prepareMachine sets, "" for nothing.
var sysctls = map[string]string{
	"net/ipv4/ip_forward": "1",
	// Without it, the answer of a pod to a pod passes by the translation of
	// Service addresses.
	"net/bridge/bridge-nf-call-iptables": "1",
	"vm/overcommit_memory":               "",
	"vm/panic_on_oom":                    "",
	"kernel/panic":                       "",
	"kernel/panic_on_oops":               "",
	"kernel/keys/root_maxkeys":           "",
	"kernel/keys/root_maxbytes":          "",
}

func sysctlFile(name string) string { return filepath.Join("/proc/sys", name) }

// readSysctls returns the settings that there are.
func readSysctls() (map[string]string, error) {
	values := map[string]string{}
	for name := range sysctls {
		raw, err := os.ReadFile(sysctlFile(name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a kernel setting: %w", err)
		}
		values[name] = strings.TrimSpace(string(raw))
	}
	return values, nil
}

// writeSysctls sets those settings that differ.
func writeSysctls(values map[string]string) error {
	now, err := readSysctls()
	if err != nil {
		return err
	}
	for name, value := range values {
		if value == "" || now[name] == value {
			continue
		}
		if err := os.WriteFile(sysctlFile(name), []byte(value), 0); err != nil {
			return fmt.Errorf("changing a kernel setting: %w", err)
		}
	}
	return nil
}

// checkMachine refuses a machine where something else has what a node would take.
func checkMachine(ctx context.Context) error {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("reading this machine's addresses: %w", err)
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err != nil {
			return fmt.Errorf("reading this machine's addresses: %w", err)
		}
		for _, taken := range []string{nodeRange, podRange, serviceRange} {
			if netip.MustParsePrefix(taken).Overlaps(prefix.Masked()) {
				return fmt.Errorf("this machine has the address %s, and a node uses %s; run it where that is free", address, taken)
			}
		}
	}
	if connection, err := (&net.Dialer{}).DialContext(ctx, "unix", devicePluginSocket); err == nil {
		_ = connection.Close()
		return fmt.Errorf("this machine runs a kubelet, which listens on %s; run the node on a machine without one", devicePluginSocket)
	}
	tables, err := output(ctx, "nft", "list", "tables")
	if err != nil {
		return err
	}
	if strings.Contains(tables, "table ip "+proxyTables+"\n") {
		return fmt.Errorf("this machine has a kube-proxy's tables; if none runs, remove them with: nft delete table ip %s", proxyTables)
	}
	return nil
}

// prepareMachine makes what has to be there before the first process.
func prepareMachine(ctx context.Context) error {
	if err := writeSysctls(sysctls); err != nil {
		return err
	}
	if err := makeCgroups(); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "add", nodeBridge, "type", "bridge"},
		{"address", "add", Address + "/24", "dev", nodeBridge},
		{"link", "set", nodeBridge, "up"},
		// A Service's address is translated wherever it leads. The route keeps those
		// that no Service has from leaving the machine.
		{"route", "add", serviceRange, "dev", nodeBridge, "src", Address},
	} {
		if _, err := output(ctx, "ip", args...); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command and returns what it printed. The error holds what it
// complained about.
func output(ctx context.Context, name string, args ...string) (string, error) {
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}
