// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is whom the webhook runs as.
const user = 65532

// makeImage makes an image of one layer.
func makeImage(s settings, platform v1.Platform, binary string) (v1.Image, error) {
	content, err := makeLayer(s, binary)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: s.created}
	image, err := mutate.Append(empty.Image, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "tools/image"}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant, config.Created = platform.OS, platform.Architecture, platform.Variant, created
	config.Config = v1.Config{
		Entrypoint: []string{"/webhook"},
		User:       strconv.Itoa(user) + ":" + strconv.Itoa(user),
		Labels:     annotations(s),
	}
	return mutate.ConfigFile(image, config)
}

// annotations are those that the OCI image specification names.
func annotations(s settings) map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "service-connector",
		prefix + "description": "The admission webhook of Service Connector for Kubernetes",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     s.version,
		prefix + "revision":    s.revision,
		prefix + "created":     s.created.Format("2006-01-02T15:04:05Z"),
	}
}

// makeLayer returns the image's files as a tar archive.
func makeLayer(s settings, binary string) ([]byte, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	id := strconv.Itoa(user)
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for _, file := range []struct {
		name    string
		mode    int64
		content []byte
	}{
		{"etc/", 0o755, nil},
		{"etc/group", 0o644, []byte("nonroot:x:" + id + ":\n")},
		{"etc/passwd", 0o644, []byte("nonroot:x:" + id + ":" + id + ":nonroot:/:/sbin/nologin\n")},
		{"webhook", 0o755, program},
	} {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: file.name, Mode: file.mode, Size: int64(len(file.content)), ModTime: s.created}
		if file.content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(file.content); err != nil {
			return nil, err
		}
	}
	// Closing writes the archive's end, so the bytes are taken after it.
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
