// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Seed is what there is in a cloud at its start, as a file holds it.
type Seed struct {
	Identities []SeedIdentity `json:"identities,omitempty"`
	Principals []Principal    `json:"principals,omitempty"`
	Clusters   []SeedCluster  `json:"clusters,omitempty"`
	Keys       []SeedKeys     `json:"keys,omitempty"`
}

// SeedIdentity is an identity and its federated credentials.
type SeedIdentity struct {
	Identity
	Credentials []FederatedCredential `json:"credentials,omitempty"`
}

// SeedCluster is a cluster and its linkers.
type SeedCluster struct {
	Cluster
	Linkers []Linker `json:"linkers,omitempty"`
}

// SeedKeys are the arguments of SetKeys.
type SeedKeys struct {
	ResourceID string `json:"resourceId"`
	Tail       string `json:"tail"`
	Answer     any    `json:"answer"`
}

// ReadSeed reads a seed, which is YAML or JSON. It refuses what it does not know.
func ReadSeed(raw []byte) (Seed, error) {
	var seed Seed
	if err := yaml.UnmarshalStrict(raw, &seed); err != nil {
		return Seed{}, fmt.Errorf("reading the seed: %w", err)
	}
	for _, id := range seed.ids() {
		if t, ok := parse(id); !ok || t.open() {
			return Seed{}, fmt.Errorf("reading the seed: %q is not a resource id", id)
		}
	}
	return seed, nil
}

func (s Seed) ids() []string {
	var ids []string
	for _, i := range s.Identities {
		ids = append(ids, i.ResourceID)
	}
	for _, c := range s.Clusters {
		ids = append(ids, c.ResourceID)
	}
	for _, k := range s.Keys {
		ids = append(ids, k.ResourceID)
	}
	return ids
}

// Add adds everything of a seed.
func (c *Cloud) Add(s Seed) {
	for _, i := range s.Identities {
		c.AddIdentity(i.Identity)
		for _, f := range i.Credentials {
			c.AddCredential(i.ResourceID, f)
		}
	}
	for _, p := range s.Principals {
		c.AddPrincipal(p)
	}
	for _, one := range s.Clusters {
		c.AddCluster(one.Cluster)
		for _, l := range one.Linkers {
			c.SetLinker(one.ResourceID, l)
		}
	}
	for _, k := range s.Keys {
		c.SetKeys(k.ResourceID, k.Tail, k.Answer)
	}
}
