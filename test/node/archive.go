// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// LoadArchive gives the node the images of a docker-archive tar, as docker save
// writes it, and returns their names. Pods that use them need the imagePullPolicy
// IfNotPresent or Never. Images of the same names are replaced.
func (n *Node) LoadArchive(ctx context.Context, path string) ([]string, error) {
	images, err := readArchive(path)
	if err == nil {
		err = n.importArchive(ctx, path)
	}
	var names []string
	for _, image := range images {
		if err == nil {
			err = n.awaitImage(ctx, image.name, image.digest)
		}
		names = append(names, image.name)
	}
	if err != nil {
		return nil, fmt.Errorf("loading the images of %s: %w", path, err)
	}
	return names, nil
}

func (n *Node) importArchive(ctx context.Context, path string) error {
	_, err := output(ctx, "ctr", "--address", n.settings.ContainerdSocket, "--namespace", "k8s.io", "images", "import", path)
	return err
}

// archived is an image of an archive: a name, and the digest of its configuration.
type archived struct {
	name   string
	digest v1.Hash
}

// readArchive returns the images of a docker-archive tar, once for each name.
func readArchive(path string) ([]archived, error) {
	opener := func() (io.ReadCloser, error) { return os.Open(path) }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, fmt.Errorf("it is no docker-archive: %w", err)
	}
	var images []archived
	for _, descriptor := range manifest {
		for _, name := range descriptor.RepoTags {
			digest, err := configDigest(opener, name)
			if err != nil {
				return nil, err
			}
			images = append(images, archived{name: name, digest: digest})
		}
	}
	if len(images) == 0 {
		return nil, errors.New("it names no image; write it with a tag")
	}
	return images, nil
}

func configDigest(opener tarball.Opener, ref string) (v1.Hash, error) {
	tag, err := name.NewTag(ref)
	if err != nil {
		return v1.Hash{}, err
	}
	image, err := tarball.Image(opener, &tag)
	if err != nil {
		return v1.Hash{}, err
	}
	return image.ConfigName()
}
