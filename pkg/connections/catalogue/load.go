// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed services/*.yaml placeholders.yaml
var files embed.FS

// embedded returns the catalogue of this build.
var embedded = sync.OnceValue(func() *table {
	t, err := load(files)
	if err != nil {
		panic(fmt.Sprintf("embedded catalogue: %v", err))
	}
	return t
})

type table struct {
	services     map[string]*Service
	sorted       []*Service
	placeholders map[string]placeholder
}

func load(files fs.FS) (*table, error) {
	t := &table{services: map[string]*Service{}}
	var err error
	if t.placeholders, err = readPlaceholders(files); err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "services/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	for _, name := range names {
		if err := t.read(files, name); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.sorted, func(a, b *Service) int { return strings.Compare(a.Key, b.Key) })
	return t, t.resolve()
}

func (t *table) read(files fs.FS, name string) error {
	s := &Service{}
	if err := readFile(files, name, s); err != nil {
		return err
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); s.Key != want {
		return fmt.Errorf("%s: key is %q; name the file after it", name, s.Key)
	}
	t.services[s.Key] = s
	t.sorted = append(t.sorted, s)
	return nil
}

// resolve gives aliases their rows and settings their Secret mark.
func (t *table) resolve() error {
	for _, s := range t.sorted {
		for i := range s.Rows {
			t.markSecrets(s.Rows[i].Settings)
		}
	}
	for _, s := range t.sorted {
		if s.AliasOf == "" {
			continue
		}
		original, ok := t.services[s.AliasOf]
		if !ok || original.AliasOf != "" || len(s.Rows) > 0 {
			return fmt.Errorf("%s: aliasOf %q must be a service that is no alias, and goes without rows", s.Key, s.AliasOf)
		}
		s.Rows = original.Rows
	}
	return nil
}

func (t *table) markSecrets(settings []Setting) {
	for i, s := range settings {
		settings[i].Secret = slices.ContainsFunc(Placeholders(s.Value), func(name string) bool {
			return t.placeholders[name].Kind == kindCredential
		})
	}
}

func readFile(files fs.FS, name string, into any) error {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("reading the catalogue: %w", err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("parsing %s: %w", name, err)
	}
	return nil
}
