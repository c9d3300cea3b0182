// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"runtime/debug"

	"github.com/CycloneDX/cyclonedx-go"
)

// makeSBOM lists what a binary was built from, by what the binary itself says:
// the modules and the Go standard library, at their versions.
func makeSBOM(s settings, binary string) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("reading what the binary was built from: %w", err)
	}
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{
		Timestamp: s.created.Format("2006-01-02T15:04:05Z"),
		Component: &cyclonedx.Component{
			BOMRef: "service-connector", Type: cyclonedx.ComponentTypeApplication, Name: "service-connector", Version: s.version,
			Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
		},
	}
	components := []cyclonedx.Component{component("std", info.GoVersion)}
	for _, module := range info.Deps {
		components = append(components, moduleComponent(module))
	}
	bill.Components = &components
	var text bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	if err := encoder.Encode(bill); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// moduleComponent takes a replaced module as what replaces it. go.sum's h1 is no
// hash that CycloneDX knows, so it is a property.
func moduleComponent(module *debug.Module) cyclonedx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	c := component(module.Path, module.Version)
	c.Properties = &[]cyclonedx.Property{{Name: "go:sum", Value: module.Sum}}
	return c
}

func component(path, version string) cyclonedx.Component {
	purl := "pkg:golang/" + path + "@" + version
	return cyclonedx.Component{BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl}
}
