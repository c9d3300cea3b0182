// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recordFile is where traces are written down. Like most of what it speaks of, it
// does not outlive a restart of the machine.
const recordFile = "/run/serviceconnector-node.json"

// longestDir is how long the path of the data folder may be: the path of a socket
// has 107 bytes.
const longestDir = 60

// traces is what it takes to remove a node from a machine.
type traces struct {
	// Dir is the data folder.
	Dir string `json:"dir"`
	// OwnsDir says that the folder is removed too.
	OwnsDir bool `json:"ownsDir"`
	// Sysctls are the kernel settings from before.
	Sysctls map[string]string `json:"sysctls"`
}

// newTraces makes the data folder and writes down what will have to be removed,
// before there is any of it.
func newTraces(dir string) (*traces, error) {
	settings, err := readSysctls()
	if err != nil {
		return nil, err
	}
	t := &traces{OwnsDir: dir == "", Sysctls: settings}
	if t.Dir, err = makeDir(dir); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	if len(t.Dir) > longestDir {
		err := fmt.Errorf("the path of data folder %s is too long for the sockets in it; name a shorter one, or set TMPDIR", t.Dir)
		return nil, errors.Join(err, t.removeDir())
	}
	return t, t.write()
}

// makeDir makes the data folder and returns its real path, by which the kernel
// lists mounts.
func makeDir(dir string) (string, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "serviceconnector-node-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

func (t *traces) write() error {
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(recordFile+".new", raw, 0o600); err != nil {
		return fmt.Errorf("writing down what the node will leave: %w", err)
	}
	return os.Rename(recordFile+".new", recordFile)
}

// removeLeftovers removes what a node left whose process was killed.
func removeLeftovers(ctx context.Context) error {
	raw, err := os.ReadFile(recordFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var t traces
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("reading %s: %w; remove the file if no node was started since the machine was", recordFile, err)
	}
	if t.Dir == "" {
		return fmt.Errorf("%s names no folder; remove the file if no node was started since the machine was", recordFile)
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return t.remove(ctx)
}

// remove removes all of it. The order matters: processes hold mounts, the data
// folder says which sockets are the node's, and while something is mounted in the
// data folder, to remove the folder could remove somebody else's files.
func (t *traces) remove(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		killProcesses,
		func(ctx context.Context) error { return unmountAll(ctx, t.Dir) },
		func(context.Context) error { return t.removeFiles() },
		removeLinks,
		removeTables,
		removeCgroups,
		func(context.Context) error { return writeSysctls(t.Sysctls) },
		func(context.Context) error { return t.removeDir() },
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return os.Remove(recordFile)
}

func (t *traces) removeDir() error {
	if !t.OwnsDir {
		return nil
	}
	return os.RemoveAll(t.Dir)
}

// removeFiles removes what other people's programs write to fixed places.
func (t *traces) removeFiles() error {
	for _, find := range []func() ([]string, error){t.logLinks, t.shimSockets, networkResults, kubeletSocket} {
		paths, err := find()
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// logLinks returns the links that the kubelet makes to the logs of containers.
func (t *traces) logLinks() ([]string, error) {
	links, err := filepath.Glob("/var/log/containers/*.log")
	if err != nil {
		return nil, err
	}
	var ours []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, t.Dir+"/") {
			ours = append(ours, link)
		}
	}
	return ours, nil
}

// shimSockets returns the sockets of shims that were killed. Their places are
// written down beside each container.
func (t *traces) shimSockets() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(t.Dir, "containerd/state/io.containerd.runtime.v2.task/*/*/address"))
	if err != nil {
		return nil, err
	}
	var sockets []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if socket, ok := strings.CutPrefix(strings.TrimSpace(string(raw)), "unix://"); ok {
			sockets = append(sockets, socket)
		}
	}
	return sockets, nil
}

// networkResults returns what the CNI library keeps of the pods' interfaces: of
// the one in the node's network, and of loopback.
func networkResults() ([]string, error) {
	const dir = "/var/lib/cni/results"
	results, err := filepath.Glob(filepath.Join(dir, network+"-*-eth0"))
	if err != nil {
		return nil, err
	}
	for _, result := range slices.Clone(results) {
		pod := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(result), network+"-"), "-eth0")
		results = append(results, filepath.Join(dir, "cni-loopback-"+pod+"-lo"))
	}
	return results, nil
}

// kubeletSocket returns the socket that the kubelet leaves. Before the start
// nobody listened on it.
func kubeletSocket() ([]string, error) { return []string{devicePluginSocket}, nil }

// removeLinks removes the bridges, and the ends of the pods' links at them.
func removeLinks(ctx context.Context) error {
	links, err := output(ctx, "ip", "-brief", "link", "show")
	if err != nil {
		return err
	}
	for _, bridge := range []string{podBridge, nodeBridge} {
		if !strings.Contains("\n"+links, "\n"+bridge+" ") {
			continue
		}
		ends, err := output(ctx, "ip", "-brief", "link", "show", "master", bridge)
		if err != nil {
			return err
		}
		for line := range strings.Lines(ends) {
			name, _, _ := strings.Cut(strings.Fields(line)[0], "@")
			// It vanishes by itself when the kernel gets around to its pod's end.
			_, _ = output(ctx, "ip", "link", "delete", name)
		}
		if _, err := output(ctx, "ip", "link", "delete", bridge); err != nil {
			return err
		}
	}
	return nil
}

// removeTables removes kube-proxy's tables.
func removeTables(ctx context.Context) error {
	tables, err := output(ctx, "nft", "list", "tables")
	if err != nil {
		return err
	}
	for line := range strings.Lines(tables) {
		fields := strings.Fields(line)
		const family, name = 1, 2
		if len(fields) <= name || fields[name] != proxyTables {
			continue
		}
		if _, err := output(ctx, "nft", "delete", "table", fields[family], fields[name]); err != nil {
			return err
		}
	}
	return nil
}
