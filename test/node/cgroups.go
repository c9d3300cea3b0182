// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// hierarchy is a mounted cgroup hierarchy.
type hierarchy struct {
	path string
	// unified says that it is version 2.
	unified bool
}

// hierarchies returns the mounted hierarchies. A machine may have both versions;
// the first is then the one that counts, and runc makes cgroups in both.
func hierarchies() ([]hierarchy, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var all []hierarchy
	for _, m := range mounts {
		switch m.kind {
		case "cgroup":
			all = append(all, hierarchy{path: m.target})
		case "cgroup2":
			all = append(all, hierarchy{path: m.target, unified: true})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no cgroups are mounted; mount them, as an init system does")
	}
	return all, nil
}

// makeCgroups makes the cgroups that all of the node's pods and shims are in.
func makeCgroups() error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	onlyUnified := !slices.ContainsFunc(all, func(h hierarchy) bool { return !h.unified })
	for _, h := range all {
		if h.unified != onlyUnified {
			continue
		}
		if err := h.makeCgroup(); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
	}
	return nil
}

func (h hierarchy) makeCgroup() error {
	dir := h.path
	for _, name := range strings.Split(shimCgroup, "/") {
		if h.unified {
			if err := delegate(dir); err != nil {
				return err
			}
		}
		parent := dir
		dir = filepath.Join(dir, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if h.unified {
			continue
		}
		// No process can enter a cpuset that has no processors.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if err := inherit(parent, dir, file); err != nil {
				return err
			}
		}
	}
	return nil
}

// delegate lets the children of a cgroup of version 2 have its controllers.
func delegate(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(raw)) {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
			return err
		}
	}
	return nil
}

// inherit copies a setting of a cgroup to its child, where there is such a one.
func inherit(parent, child, file string) error {
	value, err := os.ReadFile(filepath.Join(parent, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(child, file), value, 0)
}

// cgroupDirs returns the folders of the node's cgroups, children after parents.
func cgroupDirs() ([]string, error) {
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, h := range all {
		err := filepath.WalkDir(filepath.Join(h.path, nodeCgroup), func(path string, entry fs.DirEntry, err error) error {
			// Cgroups of containers that are ending vanish during the walk.
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading the node's cgroups: %w", err)
		}
	}
	return dirs, nil
}

// cgroupProcesses returns the processes in the node's cgroups.
func cgroupProcesses() ([]int, error) {
	dirs, err := cgroupDirs()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, dir := range dirs {
		raw, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the node's processes: %w", err)
		}
		for _, field := range strings.Fields(string(raw)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("reading the node's processes: %w", err)
			}
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// killProcesses ends every process in the node's cgroups: pods and shims.
func killProcesses(ctx context.Context) error {
	return await(ctx, "the pods' processes to end", func(context.Context) error {
		pids, err := cgroupProcesses()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			if err := killMember(pid); err != nil {
				return err
			}
		}
		if len(pids) > 0 {
			return fmt.Errorf("processes %v", pids)
		}
		return nil
	})
}

// killMember ends a process that is in the node's cgroups.
func killMember(pid int) error {
	// The handle is bound to the process. Whether it is the right one is looked at
	// afterwards, so that no other is hit that got its number meanwhile.
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !strings.Contains(string(raw), ":/"+nodeCgroup+"/") {
		return nil
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	return nil
}

// removeCgroups removes the node's cgroups, which have no process any more.
func removeCgroups(ctx context.Context) error {
	return await(ctx, "the node's cgroups to be empty", func(context.Context) error {
		dirs, err := cgroupDirs()
		if err != nil {
			return err
		}
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}
