// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const sbomType = "application/vnd.cyclonedx+json"

// write writes everything and returns the digest of the index of all platforms.
func write(s settings, built []platformImage) (v1.Hash, error) {
	tag, err := name.NewTag(s.image + ":" + s.version)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return v1.Hash{}, err
	}
	for _, one := range built {
		base := filepath.Join(s.out, "webhook-"+one.name())
		if err := tarball.WriteToFile(base+".tar", tag, one.image); err != nil {
			return v1.Hash{}, err
		}
		if err := os.WriteFile(base+".cdx.json", one.sbom, 0o644); err != nil {
			return v1.Hash{}, err
		}
	}
	return writeLayout(s, built)
}

// writeLayout writes the OCI layout anew.
func writeLayout(s settings, built []platformImage) (v1.Hash, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var bills []v1.Image
	for _, one := range built {
		image := plain{mutate.ConfigMediaType(mutate.MediaType(one.image, types.OCIManifestSchema1), types.OCIConfigJSON)}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &one.platform}})
		bill, err := referrer(image, one.sbom)
		if err != nil {
			return v1.Hash{}, err
		}
		bills = append(bills, bill)
	}
	annotated, ok := mutate.Annotations(index, annotations(s)).(v1.ImageIndex)
	if !ok {
		return v1.Hash{}, fmt.Errorf("the annotated index is a %T", annotated)
	}
	folder := filepath.Join(s.out, "oci")
	if err := os.RemoveAll(folder); err != nil {
		return v1.Hash{}, err
	}
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := written.AppendIndex(annotated, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": s.version})); err != nil {
		return v1.Hash{}, err
	}
	for _, bill := range bills {
		if err := written.AppendImage(bill); err != nil {
			return v1.Hash{}, err
		}
	}
	return annotated.Digest()
}

// plain is an image whose descriptors name no artifactType: skopeo 1.9 drops that
// field when it copies an index, which would change the digest.
type plain struct{ v1.Image }

// ArtifactType overrides the one that the library takes from the config's type.
func (plain) ArtifactType() (string, error) { return "", nil }

// referrer makes a manifest that holds an SBOM and names the image it is of, as
// the OCI distribution specification 1.1 has referrers.
func referrer(of v1.Image, bill []byte) (v1.Image, error) {
	holder, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(bill, sbomType))
	if err != nil {
		return nil, err
	}
	subject, err := partial.Descriptor(of)
	if err != nil {
		return nil, err
	}
	subject.Platform = nil
	image, ok := mutate.Subject(mutate.ConfigMediaType(holder, sbomType), *subject).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("the referrer is a %T", image)
	}
	return image, nil
}
