// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// module is a program of others that is built from its Go module.
type module struct {
	// Path and Version are the module, Package the program's place in it.
	Path, Version, Package string
	// StandIns are files of ours in place of modules that it requires: by module the
	// name of a file, and its content.
	StandIns map[string]map[string]string
}

// built is a program, and the folder of its module's source.
type built struct{ Binary, Source string }

// build builds the program in a new folder. What its go.mod replaces counts in the
// main module only, so that it is said again there; its go.sum says what it was
// released with.
func (m module) build(ctx context.Context, dir string) (built, error) {
	b := built{Binary: filepath.Join(dir, filepath.Base(m.Package))}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return b, err
	}
	var err error
	if b.Source, err = m.download(ctx, dir); err != nil {
		return b, fmt.Errorf("downloading %s@%s: %w; see to GOPROXY and the network", m.Path, m.Version, err)
	}
	if err := m.write(ctx, dir, b.Source); err != nil {
		return b, fmt.Errorf("writing the module that builds %s: %w", m.Path, err)
	}
	what := fmt.Sprintf("building %s@%s", m.Path, m.Version)
	say("%s; that takes some minutes when nothing is compiled yet", what)
	err = during(what, func() error {
		_, err := goCommand(ctx, dir, "build", "-mod=mod", "-trimpath", "-o", b.Binary, m.Path+"/"+m.Package)
		return err
	})
	if err != nil {
		return b, fmt.Errorf("%s: %w", what, err)
	}
	return b, nil
}

// download returns the folder of the module's source.
func (m module) download(ctx context.Context, dir string) (string, error) {
	out, failed := goCommand(ctx, dir, "mod", "download", "-json", m.Path+"@"+m.Version)
	var found struct{ Dir, Error string }
	if err := json.Unmarshal(out, &found); err != nil {
		return "", errors.Join(failed, err)
	}
	if found.Error != "" {
		return "", errors.New(found.Error)
	}
	return found.Dir, failed
}

// write writes the main module, with the stand-ins in folders of their own.
func (m module) write(ctx context.Context, dir, source string) error {
	out, err := goCommand(ctx, dir, "mod", "edit", "-json", filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	type version struct{ Path, Version string }
	var its struct {
		Go      string
		Replace []struct{ Old, New version }
	}
	if err := json.Unmarshal(out, &its); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "module bench.example/rival\n\ngo %s\n\nrequire %s %s\n\n", its.Go, m.Path, m.Version)
	for _, r := range its.Replace {
		if r.New.Version == "" { // a folder of the module
			r.New.Path = filepath.Join(source, r.New.Path)
		}
		fmt.Fprintln(&text, "replace", strings.TrimSpace(r.Old.Path+" "+r.Old.Version), "=>", strings.TrimSpace(r.New.Path+" "+r.New.Version))
	}
	for i, path := range slices.Sorted(maps.Keys(m.StandIns)) {
		folder := fmt.Sprint("stand-in-", i)
		fmt.Fprintf(&text, "replace %s => ./%s\n", path, folder)
		if err := writeFiles(filepath.Join(dir, folder), m.StandIns[path]); err != nil {
			return err
		}
	}
	sums, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return err
	}
	return writeFiles(dir, map[string]string{"go.mod": text.String(), "go.sum": string(sums)})
}

// writeFiles writes files into a folder.
func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// goCommand runs the go command in a folder, and returns what it printed. The error
// holds the end of what it complained about.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		err = fmt.Errorf("go %s: %w: %s", args[0], err, strings.Join(lines[max(0, len(lines)-5):], "; "))
	}
	return out, err
}

// during does something, and says every half a minute that it goes on.
func during(what string, f func() error) error {
	start := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
			say("%s: %.0f s", what, time.Since(start).Seconds())
		}
	}
}
