// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuild(t *testing.T) {
	r := smallRecipe(t, "package main\n\nfunc main() {}\n")
	dir := t.TempDir()

	t.Run("two at once build once", func(t *testing.T) {
		outputs := make([]bytes.Buffer, 2)
		var wait sync.WaitGroup
		for i := range outputs {
			wait.Go(func() {
				paths, err := builder{dir: dir, output: &outputs[i]}.build(t.Context(), r, []string{"small"})
				if err != nil {
					t.Error(err)
				} else if _, err := os.Stat(paths["small"]); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		said := outputs[0].String() + outputs[1].String()
		if got := strings.Count(said, "built small v1.2.3 in "); got != 1 {
			t.Errorf("built %d times, want once:\n%s", got, said)
		}
	})

	t.Run("a later one says nothing", func(t *testing.T) {
		var output bytes.Buffer
		if _, err := (builder{dir: dir, output: &output}).build(t.Context(), r, []string{"small"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("", output.String()); diff != "" {
			t.Errorf("output (-want +got):\n%s", diff)
		}
	})

	t.Run("what a killed build left is removed", func(t *testing.T) {
		folder := filepath.Dir(filepath.Dir(theBinary(t, dir)))
		leftover := filepath.Join(folder, "making-1", "small")
		if err := os.MkdirAll(leftover, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(theBinary(t, dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := (builder{dir: dir, output: &bytes.Buffer{}}).build(t.Context(), r, []string{"small"}); err != nil {
			t.Fatal(err)
		}
		nothingInTheMaking(t, dir)
	})
}

func TestBuildFailure(t *testing.T) {
	tests := map[string]struct {
		source string
		cancel bool
		want   string
	}{
		"a source that does not compile": {"package main\n\nfunc main() { undefined() }\n", false, "undefined: undefined"},
		"an interruption":                {"package main\n\nfunc main() {}\n", true, "context canceled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// The build is interrupted when it says its first word.
			output := writerFunc(func(p []byte) (int, error) {
				if tt.cancel {
					cancel()
				}
				return len(p), nil
			})
			_, err := builder{dir: dir, output: output}.build(ctx, smallRecipe(t, tt.source), []string{"small"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if tt.cancel && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			nothingInTheMaking(t, dir)
			if made, _ := filepath.Glob(filepath.Join(dir, "*", "bin", "*")); len(made) > 0 {
				t.Errorf("binaries of a failed build: %v", made)
			}
		})
	}
}

func TestUnknownBinary(t *testing.T) {
	_, err := builder{}.buildAll(t.Context(), recipes(), []string{"etcd", "kubeadm"})
	want := `unknown binary "kubeadm"; known are etcd, kube-apiserver, kube-controller-manager, kube-proxy, kube-scheduler, kubectl, kubelet`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestReadyMade(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "etcd"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	paths, err := readyMade(dir, []string{"etcd"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"etcd": filepath.Join(dir, "etcd")}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	_, err = readyMade(dir, []string{"etcd", "kubectl", "kubelet"})
	if err == nil || !strings.Contains(err.Error(), "lacks kubectl, kubelet; ") {
		t.Errorf("got %v, want an error that names what is missing", err)
	}
}

func TestPinnedVersions(t *testing.T) {
	got := map[string]string{}
	for _, r := range recipes() {
		v, err := pinnedVersion(r.mod, r.module)
		if err != nil {
			t.Fatal(err)
		}
		got[r.name] = r.ldflags(v)
	}
	want := map[string]string{
		"etcd": "-s -w",
		"kubernetes": "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2" +
			" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("linker flags (-want +got):\n%s", diff)
	}
	if _, err := pinnedVersion([]byte("module m\n"), "k8s.io/kubernetes"); err == nil {
		t.Error("a go.mod without the module has a version")
	}
}

// smallRecipe returns a recipe that needs no download.
func smallRecipe(t *testing.T, source string) recipe {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"go.mod": "module example.com/small\n\ngo 1.26.0\n", "main.go": source}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const mod = "module example.com/pin\n\ngo 1.26.0\n\nrequire example.com/small v1.2.3\n\nreplace example.com/small => %q\n"
	return recipe{
		name:     "small",
		module:   "example.com/small",
		mod:      fmt.Appendf(nil, mod, dir),
		packages: map[string]string{"small": "example.com/small"},
		ldflags:  func(version) string { return "-s -w" },
	}
}

// theBinary returns the path of the one binary that was built.
func theBinary(t *testing.T, dir string) string {
	t.Helper()
	made, err := filepath.Glob(filepath.Join(dir, "*", "bin", "*"))
	if err != nil || len(made) != 1 {
		t.Fatalf("built %v (%v), want one binary", made, err)
	}
	return made[0]
}

func nothingInTheMaking(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "making-*")); len(left) > 0 {
		t.Errorf("half-made: %v", left)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
