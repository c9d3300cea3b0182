// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// platformImage is the image of one platform.
type platformImage struct {
	platform v1.Platform
	image    v1.Image
	sbom     []byte
}

// name returns the platform as it is in file names.
func (p platformImage) name() string { return p.platform.OS + "-" + p.platform.Architecture }

// build builds the image for every platform.
func build(ctx context.Context, s settings, progress io.Writer) ([]platformImage, error) {
	folder, err := os.MkdirTemp("", "image-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	var all []platformImage
	for _, name := range s.platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil || platform.OS == "" || platform.Architecture == "" {
			return nil, fmt.Errorf("platform %q is none; write os/architecture", name)
		}
		_, _ = fmt.Fprintln(progress, "building for", name) // progress that nobody reads may be lost
		one, err := buildOne(ctx, s, *platform, filepath.Join(folder, platform.OS+"-"+platform.Architecture))
		if err != nil {
			return nil, fmt.Errorf("building for %s: %w", name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func buildOne(ctx context.Context, s settings, platform v1.Platform, binary string) (platformImage, error) {
	if err := compile(ctx, s, platform, binary); err != nil {
		return platformImage{}, err
	}
	image, err := makeImage(s, platform, binary)
	if err != nil {
		return platformImage{}, err
	}
	bill, err := makeSBOM(s, binary)
	return platformImage{platform: platform, image: image, sbom: bill}, err
}

// compile builds a static binary in which nothing tells where or when it was
// built; the commit is stamped, since -buildvcs would also tell of files that
// only lie about.
func compile(ctx context.Context, s settings, platform v1.Platform, binary string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags=grpcnotrace", // see the Makefile's TAGS

		"-ldflags", "-s -w -buildid= -X main.version="+s.version+" -X main.revision="+s.revision, "-o", binary, "./cmd/webhook")
	command.Dir = s.source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
