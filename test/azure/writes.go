// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"reflect"
	"regexp"
	"time"
)

const maxCredentials = 20

// credentialName is what Azure takes as a federated credential's name.
var credentialName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{2,119}$`)

// writeCredential changes the federated credentials of an identity, which it has
// for itself while the change takes. A client that gives up changes nothing in that.
func (c *Cloud) writeCredential(identityID string, do func(*identity) (status int, err error)) (int, error) {
	wait, err := c.beginWrite(identityID)
	if err != nil {
		return 0, err
	}
	wait(c.stopped)
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.state.identities[key(identityID)]
	if !ok {
		return 0, refuse(failure(http.StatusNotFound, "ParentResourceNotFound", "The managed identity '%s' could not be found.", identityID))
	}
	i.writing = false
	return do(i)
}

// beginWrite takes the identity. It returns what waits for the write to end.
func (c *Cloud) beginWrite(identityID string) (wait func(stopped <-chan struct{}), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.state.identities[key(identityID)]
	if ok && i.writing {
		return nil, refuse(failure(http.StatusConflict, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
			"Too many Federated Identity Credentials are written concurrently for the managed identity '%s'. "+
				"Concurrent Federated Identity Credentials writes under the same managed identity are not supported.", identityID))
	}
	if ok {
		i.writing = true
	}
	takes, paused := c.state.writeTime, c.state.paused
	return func(stopped <-chan struct{}) {
		if takes > 0 {
			select {
			case <-time.After(takes):
			case <-stopped:
			}
		}
		if paused != nil {
			select {
			case <-paused:
			case <-stopped:
			}
		}
	}, nil
}

// put creates or updates a credential, if Azure would take it.
func (i *identity) put(c *Cloud, f FederatedCredential) (int, error) {
	bad := func(format string, args ...any) (int, error) {
		return 0, refuse(failure(http.StatusBadRequest, "BadRequest", format, args...))
	}
	switch {
	case !credentialName.MatchString(f.Name):
		return bad("The name '%s' of the Federated Identity Credential does not match '%s'.", f.Name, credentialName)
	case f.Issuer == "" || f.Subject == "":
		return bad("The Federated Identity Credential needs an issuer and a subject.")
	case len(f.Audiences) != 1:
		return bad("The Federated Identity Credential needs exactly one audience.")
	}
	was, exists := i.credentials[key(f.Name)]
	for name, other := range i.credentials {
		if name != key(f.Name) && other.Issuer == f.Issuer && other.Subject == f.Subject {
			return bad("Issuer and subject combination already exists for this Managed Identity.")
		}
	}
	if !exists && len(i.credentials) >= maxCredentials {
		return bad("Too many Federated Identity Credentials: the managed identity '%s' has the maximum of %d.", i.ResourceID, maxCredentials)
	}
	if exists && reflect.DeepEqual(was.FederatedCredential, f) {
		return http.StatusOK, nil
	}
	i.credentials[key(f.Name)] = credential{FederatedCredential: f, known: c.options.Now().Add(c.state.propagation)}
	if exists {
		return http.StatusOK, nil
	}
	return http.StatusCreated, nil
}

// remove removes a credential, or finds none.
func (i *identity) remove(name string) int {
	if _, ok := i.credentials[key(name)]; !ok {
		return http.StatusNoContent
	}
	delete(i.credentials, key(name))
	return http.StatusOK
}
