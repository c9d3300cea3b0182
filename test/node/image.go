// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Image is a container image to be made of files. It holds nothing else: no shell
// and no libraries, so its programs are static ones.
type Image struct {
	// Name has a registry and a tag, as in localhost/app:1. Nothing is asked for at
	// the registry.
	Name string
	// Files are the executable files: the path in the image, and the path on this
	// machine. A file that is named twice is there once, under both names.
	Files map[string]string
	// Entrypoint is the command line, to which a pod's args are added.
	Entrypoint []string
	// Env are variables, as name=value.
	Env []string
	// User is a number that the programs run as. Empty means root.
	User string
}

// LoadImage makes an image and gives it to the node. Pods that use it need the
// imagePullPolicy IfNotPresent or Never. An image of the same name is replaced.
func (n *Node) LoadImage(ctx context.Context, i Image) error {
	if err := n.loadImage(ctx, i); err != nil {
		return fmt.Errorf("loading image %s: %w", i.Name, err)
	}
	return nil
}

func (n *Node) loadImage(ctx context.Context, i Image) error {
	tag, err := name.NewTag(i.Name, name.StrictValidation)
	if err != nil {
		return err
	}
	image, err := i.build()
	if err != nil {
		return err
	}
	digest, err := image.ConfigName()
	if err != nil {
		return err
	}
	archive := filepath.Join(n.Cluster.Dir, "image-"+digest.Hex+".tar")
	defer func() { _ = os.Remove(archive) }()
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		return err
	}
	if err := n.importArchive(ctx, archive); err != nil {
		return err
	}
	return n.awaitImage(ctx, i.Name, digest)
}

// awaitImage waits until the kubelet would find the image. Until then it would
// try to pull it, and then wait long before it looked again.
func (n *Node) awaitImage(ctx context.Context, ref string, digest v1.Hash) error {
	connection, err := n.dial()
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	client := runtimeapi.NewImageServiceClient(connection)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return await(ctx, "containerd to list it", func(ctx context.Context) error {
		answer, err := client.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: ref}})
		if err != nil {
			return err
		}
		if answer.Image == nil {
			return errors.New("it is not there")
		}
		if answer.Image.Id != digest.String() {
			return fmt.Errorf("it is still %s", answer.Image.Id)
		}
		return nil
	})
}

// dial returns a connection to containerd. It is made when it is first used.
func (n *Node) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+n.settings.ContainerdSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// build makes the image of one layer.
func (i Image) build() (v1.Image, error) {
	content, err := i.layer()
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{
		Entrypoint: i.Entrypoint,
		Env:        append([]string{"PATH=/bin"}, i.Env...),
		User:       i.User,
	}
	return mutate.ConfigFile(image, config)
}

// layer returns the image's files as a tar archive, the same for the same files.
func (i Image) layer() ([]byte, error) {
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for _, dir := range i.folders() {
		mode := int64(0o755)
		if dir == "tmp" {
			mode = 0o1777
		}
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: mode}); err != nil {
			return nil, err
		}
	}
	written := map[string]string{}
	for _, target := range slices.Sorted(maps.Keys(i.Files)) {
		source := i.Files[target]
		if err := addFile(archive, inArchive(target), source, written[source]); err != nil {
			return nil, err
		}
		written[source] = inArchive(target)
	}
	return b.Bytes(), archive.Close()
}

// addFile adds a file, or a link to the place where it is already.
func addFile(archive *tar.Writer, target, source, same string) error {
	if same != "" {
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: target, Linkname: same, Mode: 0o755})
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: target, Size: int64(len(content)), Mode: 0o755}); err != nil {
		return err
	}
	_, err = archive.Write(content)
	return err
}

// folders returns the folders that the files need, and /tmp, parents first.
func (i Image) folders() []string {
	all := map[string]bool{"tmp": true}
	for target := range i.Files {
		for dir := path.Dir(inArchive(target)); dir != "."; dir = path.Dir(dir) {
			all[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// inArchive returns a path as it is written in the archive: from the root, without
// a slash at the start.
func inArchive(target string) string { return strings.TrimPrefix(path.Clean("/"+target), "/") }
