// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const program = `package main

import "fmt"

var version = "dev"

func main() { fmt.Println(version) }
`

// source writes a module with a command of the webhook's name.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range map[string]string{"go.mod": "module example.com/product\n\ngo 1.26\n", "cmd/webhook/main.go": program} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// makeImages runs the command and returns its folder and what it printed.
func makeImages(t *testing.T, args ...string) (out, printed string) {
	t.Helper()
	out = t.TempDir()
	var stdout, stderr bytes.Buffer
	args = append([]string{"-out", out, "-image", "localhost/webhook", "-version", "v1.2.3", "-revision", "abc", "-created", "1700000000"}, args...)
	if err := run(t.Context(), args, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return out, stdout.String()
}

// Two folders, one digest.
func TestReproducible(t *testing.T) {
	_, one := makeImages(t, "-source", source(t))
	_, two := makeImages(t, "-source", source(t))
	if one != two || !strings.HasPrefix(one, "localhost/webhook:v1.2.3@sha256:") {
		t.Errorf("got %s and %s", one, two)
	}
	if _, other := makeImages(t, "-source", source(t), "-version", "v1.2.4"); other == one {
		t.Error("another version has the same digest")
	}
}

func TestImage(t *testing.T) {
	out, _ := makeImages(t, "-source", source(t))
	tag, err := name.NewTag("localhost/webhook:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			image, err := tarball.ImageFromPath(filepath.Join(out, "webhook-linux-"+arch+".tar"), &tag)
			if err != nil {
				t.Fatal(err)
			}
			config, err := image.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{
				"platform": config.OS + "/" + config.Architecture, "user": config.Config.User,
				"entrypoint": strings.Join(config.Config.Entrypoint, " "), "created": config.Created.String(),
				"revision": config.Config.Labels["org.opencontainers.image.revision"],
			}
			want := map[string]string{
				"platform": "linux/" + arch, "user": "65532:65532", "entrypoint": "/webhook",
				"created": "2023-11-14 22:13:20 +0000 UTC", "revision": "abc",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff([]string{"etc", "etc/group", "etc/passwd", "webhook"}, contents(t, image)); diff != "" {
				t.Errorf("files, -want +got:\n%s", diff)
			}
		})
	}
}

func contents(t *testing.T, image v1.Image) []string {
	t.Helper()
	stream := mutate.Extract(image)
	defer func() { _ = stream.Close() }()
	var files []string
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(files)
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, header.Name)
	}
}

// Go's own reader and containerd forgive an archive without its end; tar does not.
func TestLayerHasItsEnd(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "webhook")
	if err := os.WriteFile(binary, []byte("no multiple of a block"), 0o600); err != nil {
		t.Fatal(err)
	}
	layer, err := makeLayer(settings{}, binary)
	if err != nil {
		t.Fatal(err)
	}
	if len(layer)%512 != 0 || !bytes.HasSuffix(layer, make([]byte, 1024)) {
		t.Errorf("%d bytes do not end as a tar archive does", len(layer))
	}
}

// The layout holds one index of both platforms, and an SBOM that refers to each.
func TestLayout(t *testing.T) {
	out, printed := makeImages(t, "-source", source(t))
	index, err := layout.ImageIndexFromPath(filepath.Join(out, "oci"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 3 || !strings.Contains(printed, manifest.Manifests[0].Digest.String()) {
		t.Fatalf("got %v, printed %s", manifest.Manifests, printed)
	}
	platforms, err := index.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	images, err := platforms.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, arch := range []string{"amd64", "arm64"} {
		bill, err := index.Image(manifest.Manifests[i+1].Digest)
		if err != nil {
			t.Fatal(err)
		}
		of, err := bill.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if kind := images.Manifests[i].ArtifactType; kind != "" {
			t.Errorf("%s: artifactType %q, which not every client keeps", arch, kind)
		}
		if got := layerTypes(t, platforms, images.Manifests[i].Digest); !slices.Equal(got, []types.MediaType{types.OCILayer}) {
			t.Errorf("%s: layers of type %v; an OCI manifest has OCI layers", arch, got)
		}
		if images.Manifests[i].Platform.Architecture != arch || of.Subject == nil || of.Subject.Digest != images.Manifests[i].Digest {
			t.Errorf("%s: platform %v, the SBOM is of %v", arch, images.Manifests[i].Platform, of.Subject)
		}
	}
}

func layerTypes(t *testing.T, index v1.ImageIndex, digest v1.Hash) []types.MediaType {
	t.Helper()
	image, err := index.Image(digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []types.MediaType
	for _, layer := range manifest.Layers {
		all = append(all, layer.MediaType)
	}
	return all
}

func TestBadInput(t *testing.T) {
	for says, args := range map[string][]string{
		`unknown argument "x"; see -help`:              {"x"},
		`-created "x" is no number of seconds`:         {"-created", "x", "-revision", "r"},
		`give -revision where the source is in no`:     {"-source", os.TempDir()},
		`platform "linux" is none; write os/architect`: {"-platforms", "linux", "-created", "1", "-revision", "r"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, &out); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: got %v, want %s", args, err, says)
		}
	}
}
