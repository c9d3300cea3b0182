// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	text := `22 1 0:20 / /proc rw,relatime shared:5 - proc proc rw
30 22 0:25 / /tmp/a\040b rw - tmpfs tmpfs rw,size=4k
not a mount
31 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
`
	var got []string
	for _, m := range parseMounts(text) {
		got = append(got, m.kind+" on "+m.target)
	}
	want := []string{"proc on /proc", "tmpfs on /tmp/a b", "cgroup on /sys/fs/cgroup/cpu"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestLayer(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := Image{Files: map[string]string{"/bin/b": program, "/bin/a": program, "/opt/x/c": program}}
	layer, err := image.layer()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	archive := tar.NewReader(bytes.NewReader(layer))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %o %s %s %d", header.Typeflag, header.Mode, header.Name, header.Linkname, header.Size))
	}
	want := []string{
		"5 755 bin/  0", "5 755 opt/  0", "5 755 opt/x/  0", "5 1777 tmp/  0",
		"0 755 bin/a  7", "1 755 bin/b bin/a 0", "1 755 opt/x/c bin/b 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if again, err := image.layer(); err != nil || !bytes.Equal(again, layer) {
		t.Errorf("the same files make another layer, %v", err)
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	names, packages := missing()
	for _, want := range []string{"containerd", "ctr", "nft"} {
		if !strings.Contains(strings.Join(names, " "), want) {
			t.Errorf("%s is not missed in %v", want, names)
		}
	}
	want := []string{"containerd", "iproute2", "mount", "nftables", "runc"}
	if pluginDir() == "" {
		want = append([]string{"containerd", networkPackage}, want[1:]...)
	}
	if diff := cmp.Diff(want, packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestControlPlane(t *testing.T) {
	var o Options
	o.Cluster.APIServerArgs = []string{"--mine"}
	o.Cluster.Users = map[string][]string{"me": {"us"}}
	got, err := o.controlPlane("/data")
	if err != nil {
		t.Fatal(err)
	}
	if last := got.APIServerArgs[len(got.APIServerArgs)-1]; last != "--mine" {
		t.Errorf("the last flag is %s, not the caller's", last)
	}
	want := map[string][]string{"me": {"us"}, "system:node:node": {"system:nodes"}, "system:kube-proxy": nil}
	if diff := cmp.Diff(want, got.Users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if len(o.Cluster.Users) != 1 {
		t.Errorf("the caller's map was changed: %v", o.Cluster.Users)
	}
	o.Cluster.Detach = true
	if _, err := o.controlPlane("/data"); err == nil {
		t.Error("Detach is taken")
	}
}
