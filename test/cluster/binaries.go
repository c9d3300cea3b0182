// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// assetsVariable names a folder with ready-made binaries. It is the variable
// that controller-runtime's envtest reads.
const assetsVariable = "KUBEBUILDER_ASSETS"

// CacheDir returns the folder below the user's cache folder that holds built
// binaries and the state of detached clusters.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	return filepath.Join(dir, "serviceconnector"), nil
}

// findBinaries returns the paths of the named binaries, building them if it must.
func findBinaries(ctx context.Context, names []string, output io.Writer) (map[string]string, error) {
	if dir := os.Getenv(assetsVariable); dir != "" {
		return readyMade(dir, names)
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	b := builder{dir: filepath.Join(cache, "bin"), output: output}
	return b.buildAll(ctx, recipes(), names)
}

// readyMade finds the named binaries in a folder.
func readyMade(dir string, names []string) (map[string]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", assetsVariable, err)
	}
	paths := map[string]string{}
	for _, name := range names {
		paths[name] = filepath.Join(dir, executable(name))
	}
	if absent := missing(paths, names); len(absent) > 0 {
		return nil, fmt.Errorf("%s=%s lacks %s; add what is missing, or unset the variable to have all of it built", assetsVariable, dir, strings.Join(absent, ", "))
	}
	return paths, nil
}

// buildAll builds the named binaries, each by the recipe that has it.
func (b builder) buildAll(ctx context.Context, all []recipe, names []string) (map[string]string, error) {
	if err := checkNames(all, names); err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, r := range all {
		built, err := b.build(ctx, r, r.has(names))
		if err != nil {
			return nil, err
		}
		maps.Copy(paths, built)
	}
	return paths, nil
}

// has returns which of the names the recipe builds, in their order.
func (r recipe) has(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, ok := r.packages[name]
		return !ok
	})
}

// checkNames refuses a name that no recipe builds.
func checkNames(all []recipe, names []string) error {
	var known []string
	for _, r := range all {
		known = append(known, slices.Collect(maps.Keys(r.packages))...)
	}
	slices.Sort(known)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown binary %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
