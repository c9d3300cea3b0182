// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"strings"

	"serviceconnector.dev/pkg/connections/catalogue"
)

// Entries of a binding that the Service Binding specification knows. Source: its
// section Workload Projection: type is required, provider recommended.
const (
	typeEntry     = "type"
	providerEntry = "provider"
)

// families are the abstract types of services that come in several kinds.
var families = []struct{ prefix, name string }{
	{"postgres", "postgresql"},
	{"neon-postgres", "postgresql"},
	{"mysql", "mysql"},
	{"redis", "redis"},
	{"mongodb", "mongodb"},
	{"cosmos-mongo", "mongodb"},
}

// Type returns the type of service that the binding is for, in the sense of the
// Service Binding specification: postgresql for any PostgreSQL, and so on.
func (b *Binding) Type() string {
	service := b.Definition.Spec.Target.Service
	for _, family := range families {
		if strings.HasPrefix(service, family.prefix) {
			return family.name
		}
	}
	return service
}

// describe adds the entries that say what the settings are of. Who provides a
// custom service is not known.
func (b *Binding) describe(data map[string][]byte) {
	entries := map[string]string{typeEntry: b.Type()}
	service, ok := catalogue.Lookup(b.Definition.Spec.Target.Service)
	switch {
	case ok && service.Group == catalogue.GroupPartner:
		entries[providerEntry] = service.Key
	case ok && service.Group != catalogue.GroupCustom:
		entries[providerEntry] = string(service.Group)
	}
	for entry, value := range entries {
		if _, own := data[entry]; !own {
			data[entry] = []byte(value)
		}
	}
}
