// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"serviceconnector.dev/test/cluster/internal/filelock"
)

const (
	// progressInterval is how often a running build says so.
	progressInterval = 5 * time.Second
	// interruptedBuild is how long an interrupted go command may take to end.
	interruptedBuild = 30 * time.Second
)

// builder builds binaries into a folder that all of the user's processes share.
type builder struct {
	dir    string
	output io.Writer
}

// build returns the paths of a recipe's binaries, by name, and builds those that
// are not there yet.
func (b builder) build(ctx context.Context, r recipe, names []string) (map[string]string, error) {
	v, err := pinnedVersion(r.mod, r.module)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, r.folder(v))
	paths := map[string]string{}
	for _, name := range names {
		paths[name] = filepath.Join(dir, "bin", executable(name))
	}
	if len(missing(paths, names)) == 0 {
		return paths, nil
	}
	return paths, b.buildMissing(ctx, dir, r, v, paths, names)
}

// buildMissing builds under a lock what is still missing when the lock is held:
// another process may have built it meanwhile.
func (b builder) buildMissing(ctx context.Context, dir string, r recipe, v version, paths map[string]string, names []string) error {
	waiting := func() {
		fmt.Fprintf(b.output, "waiting for another process that builds %s %s\n", r.name, v.full)
	}
	unlock, err := filelock.Acquire(ctx, dir+".lock", waiting)
	if err != nil {
		return fmt.Errorf("locking the build of %s: %w", r.name, err)
	}
	defer unlock()
	names = missing(paths, names)
	if len(names) == 0 {
		return nil
	}
	if err := prepare(dir, r); err != nil {
		return fmt.Errorf("preparing the build of %s: %w", r.name, err)
	}
	fmt.Fprintf(b.output, "building %s from %s %s, once; that takes %s with a cold cache\n", strings.Join(names, ", "), r.module, v.full, r.cold)
	for _, name := range names {
		if err := b.compile(ctx, dir, r, v, name, paths[name]); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes the module and removes what a killed build left.
func prepare(dir string, r recipe) error {
	if err := r.writeModule(filepath.Join(dir, "src")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		return err
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, "making-*"))
	if err != nil {
		return err
	}
	for _, leftover := range leftovers {
		if err := os.RemoveAll(leftover); err != nil {
			return err
		}
	}
	return nil
}

// compile builds one binary beside its place and then moves it there, so that a
// binary in its place is always whole.
func (b builder) compile(ctx context.Context, dir string, r recipe, v version, name, path string) error {
	making, err := os.MkdirTemp(dir, "making-")
	if err != nil {
		return fmt.Errorf("building %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(making) }()
	made := filepath.Join(making, executable(name))

	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-ldflags", r.ldflags(v), "-o", made, r.packages[name])
	cmd.Dir = filepath.Join(dir, "src")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = interruptedBuild
	err = b.watch(cmd, name+" "+v.full)
	if ctx.Err() != nil {
		return fmt.Errorf("building %s: %w", name, interruption(ctx))
	}
	if err != nil {
		return err
	}
	return os.Rename(made, path)
}

// watch runs a go command and says now and then that it is still running.
func (b builder) watch(cmd *exec.Cmd, what string) error {
	var said strings.Builder
	cmd.Stderr = &said
	if err := startChild(cmd); errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("building %s: no go command in PATH; install Go or set KUBEBUILDER_ASSETS to a folder with the binaries", what)
	} else if err != nil {
		return fmt.Errorf("building %s: %w", what, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	begin := time.Now()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("building %s: %w\n%s", what, err, lastLines(said.String(), logTail))
			}
			fmt.Fprintf(b.output, "built %s in %.0f s\n", what, time.Since(begin).Seconds())
			return nil
		case <-ticker.C:
			fmt.Fprintf(b.output, "building %s: %.0f s\n", what, time.Since(begin).Seconds())
		}
	}
}

// missing returns the names whose file does not exist, in their order.
func missing(paths map[string]string, names []string) []string {
	var absent []string
	for _, name := range names {
		if _, err := os.Stat(paths[name]); err != nil {
			absent = append(absent, name)
		}
	}
	return absent
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
