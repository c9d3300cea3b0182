// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"net/http"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi/fake"
)

type (
	credentialsClientGet    = armmsi.FederatedIdentityCredentialsClientGetResponse
	credentialsClientPut    = armmsi.FederatedIdentityCredentialsClientCreateOrUpdateResponse
	credentialsClientDelete = armmsi.FederatedIdentityCredentialsClientDeleteResponse
	credentialsClientList   = armmsi.FederatedIdentityCredentialsClientListResponse
)

// federatedCredentials answers for the federated credentials of an identity.
func (c *Cloud) federatedCredentials(r *http.Request, t target) answer {
	parent := t.id(1)
	if _, ok := c.identityAt(parent); !ok {
		return noParent(t, r.Method, parent)
	}
	server, method := &fake.FederatedIdentityCredentialsServer{}, ""
	switch {
	case t.open() && r.Method == http.MethodGet:
		method = "NewListPager"
		found, refusal := pageOf(c, r, skipToken, c.Credentials(parent), func(f FederatedCredential) string { return f.Name })
		if refusal != nil {
			return *refusal
		}
		server.NewListPager = listCredentials(parent, found)
	case t.open():
		return notAllowed(r)
	case r.Method == http.MethodGet:
		method, server.Get = "Get", c.getCredential(t)
	case r.Method == http.MethodPut:
		method, server.CreateOrUpdate = "CreateOrUpdate", c.putCredential(t)
	case r.Method == http.MethodDelete:
		method, server.Delete = "Delete", c.deleteCredential(t)
	default:
		return notAllowed(r)
	}
	return through(fake.NewFederatedIdentityCredentialsServerTransport(server), r,
		t.path(identityProvider, identityType, credentialType), "FederatedIdentityCredentialsClient."+method)
}

func listCredentials(parent string, found page[FederatedCredential]) func(string, string, *armmsi.FederatedIdentityCredentialsClientListOptions) azfake.PagerResponder[credentialsClientList] {
	list := credentialsClientList{}
	list.NextLink = found.link()
	for _, one := range found.items {
		list.Value = append(list.Value, one.model(parent))
	}
	return func(string, string, *armmsi.FederatedIdentityCredentialsClientListOptions) (pages azfake.PagerResponder[credentialsClientList]) {
		pages.AddPage(http.StatusOK, list, nil)
		return pages
	}
}

func (c *Cloud) getCredential(t target) func(context.Context, string, string, string, *armmsi.FederatedIdentityCredentialsClientGetOptions) (azfake.Responder[credentialsClientGet], azfake.ErrorResponder) {
	return func(context.Context, string, string, string, *armmsi.FederatedIdentityCredentialsClientGetOptions) (ok azfake.Responder[credentialsClientGet], bad azfake.ErrorResponder) {
		for _, one := range c.Credentials(t.id(1)) {
			if key(one.Name) == key(t.names[1]) {
				ok.SetResponse(http.StatusOK, credentialsClientGet{FederatedIdentityCredential: *one.model(t.id(1))}, nil)
				return ok, bad
			}
		}
		bad.SetError(refuse(notFound(t)))
		return ok, bad
	}
}

func (c *Cloud) putCredential(t target) func(context.Context, string, string, string, armmsi.FederatedIdentityCredential, *armmsi.FederatedIdentityCredentialsClientCreateOrUpdateOptions) (azfake.Responder[credentialsClientPut], azfake.ErrorResponder) {
	return func(_ context.Context, _, _, name string, body armmsi.FederatedIdentityCredential, _ *armmsi.FederatedIdentityCredentialsClientCreateOrUpdateOptions) (ok azfake.Responder[credentialsClientPut], bad azfake.ErrorResponder) {
		written := credentialOf(name, body)
		status, err := c.writeCredential(t.id(1), func(i *identity) (int, error) { return i.put(c, written) })
		if err != nil {
			bad.SetError(err)
			return ok, bad
		}
		ok.SetResponse(status, credentialsClientPut{FederatedIdentityCredential: *written.model(t.id(1))}, nil)
		return ok, bad
	}
}

func (c *Cloud) deleteCredential(t target) func(context.Context, string, string, string, *armmsi.FederatedIdentityCredentialsClientDeleteOptions) (azfake.Responder[credentialsClientDelete], azfake.ErrorResponder) {
	return func(_ context.Context, _, _, name string, _ *armmsi.FederatedIdentityCredentialsClientDeleteOptions) (ok azfake.Responder[credentialsClientDelete], bad azfake.ErrorResponder) {
		status, err := c.writeCredential(t.id(1), func(i *identity) (int, error) { return i.remove(name), nil })
		if err != nil {
			bad.SetError(err)
			return ok, bad
		}
		ok.SetResponse(status, credentialsClientDelete{}, nil)
		return ok, bad
	}
}

func (f FederatedCredential) model(parent string) *armmsi.FederatedIdentityCredential {
	model := &armmsi.FederatedIdentityCredential{
		ID:         new(parent + "/" + credentialType + "/" + f.Name),
		Name:       new(f.Name),
		Type:       new(identityProvider + "/" + identityType + "/" + credentialType),
		Properties: &armmsi.FederatedIdentityCredentialProperties{Issuer: new(f.Issuer), Subject: new(f.Subject)},
	}
	for _, audience := range f.Audiences {
		model.Properties.Audiences = append(model.Properties.Audiences, new(audience))
	}
	return model
}

// credentialOf reads a body. What is missing is empty.
func credentialOf(name string, body armmsi.FederatedIdentityCredential) FederatedCredential {
	f := FederatedCredential{Name: name}
	if body.Properties == nil {
		return f
	}
	f.Issuer, f.Subject = value(body.Properties.Issuer), value(body.Properties.Subject)
	for _, audience := range body.Properties.Audiences {
		f.Audiences = append(f.Audiences, value(audience))
	}
	return f
}

// value returns what a pointer points to, or nothing.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
