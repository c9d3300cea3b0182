// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"slices"
	"time"
)

// Identity is a user-assigned identity.
type Identity struct {
	ResourceID  string `json:"resourceId"`
	ClientID    string `json:"clientId"`
	PrincipalID string `json:"principalId"`
	// TenantID is the cloud's tenant if it is empty.
	TenantID string `json:"tenantId,omitempty"`
	// Location is eastus if it is empty.
	Location string `json:"location,omitempty"`
}

// FederatedCredential lets assertions of an issuer for a subject stand in for the
// identity.
type FederatedCredential struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// Principal is a service principal with a secret.
type Principal struct {
	ClientID string `json:"clientId"`
	Secret   string `json:"secret"`
	// ObjectID is the client id if it is empty.
	ObjectID string `json:"objectId,omitempty"`
}

type identity struct {
	Identity
	credentials map[string]credential
	writing     bool
}

type credential struct {
	FederatedCredential
	// known is when Entra knows of it.
	known time.Time
}

// AddIdentity adds an identity. One with this resource id keeps its credentials.
func (c *Cloud) AddIdentity(i Identity) {
	if i.TenantID == "" {
		i.TenantID = c.options.TenantID
	}
	if i.Location == "" {
		i.Location = defaultLocation
	}
	c.change(func(s *state) {
		if found, ok := s.identities[key(i.ResourceID)]; ok {
			found.Identity = i
			return
		}
		s.identities[key(i.ResourceID)] = &identity{Identity: i, credentials: map[string]credential{}}
	})
}

// RemoveIdentity removes an identity and its credentials.
func (c *Cloud) RemoveIdentity(resourceID string) {
	c.change(func(s *state) { delete(s.identities, key(resourceID)) })
}

// AddPrincipal adds or replaces a service principal.
func (c *Cloud) AddPrincipal(p Principal) {
	if p.ObjectID == "" {
		p.ObjectID = p.ClientID
	}
	c.change(func(s *state) { s.principals[key(p.ClientID)] = p })
}

// Credentials returns the federated credentials of an identity by name.
func (c *Cloud) Credentials(identityID string) []FederatedCredential {
	var found []FederatedCredential
	c.change(func(s *state) {
		if i, ok := s.identities[key(identityID)]; ok {
			found = i.list()
		}
	})
	return found
}

func (i *identity) list() []FederatedCredential {
	var list []FederatedCredential
	for _, one := range sortedBy(i.credentials, func(c credential) string { return c.Name }) {
		one.Audiences = slices.Clone(one.Audiences)
		list = append(list, one.FederatedCredential)
	}
	return list
}

// AddCredential adds or replaces a federated credential of an identity that was
// added before. Entra knows it at once, and no limit is looked at.
func (c *Cloud) AddCredential(identityID string, f FederatedCredential) {
	c.change(func(s *state) {
		if i, ok := s.identities[key(identityID)]; ok {
			i.credentials[key(f.Name)] = credential{FederatedCredential: f}
		}
	})
}

// SetPropagation sets how long it takes until Entra knows a federated credential
// that is written. Without it: no time.
func (c *Cloud) SetPropagation(d time.Duration) { c.change(func(s *state) { s.propagation = d }) }

// SetWriteTime sets how long a write of a federated credential takes, while which
// its identity refuses others. Without it: no time.
func (c *Cloud) SetWriteTime(d time.Duration) { c.change(func(s *state) { s.writeTime = d }) }

// PauseWrites lets writes of federated credentials take until resume is called.
func (c *Cloud) PauseWrites() (resume func()) {
	paused := make(chan struct{})
	c.change(func(s *state) { s.paused = paused })
	return func() {
		c.change(func(s *state) {
			if s.paused == paused {
				s.paused = nil
				close(paused)
			}
		})
	}
}
