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
	credentialGot     = armmsi.FederatedIdentityCredentialsClientGetResponse
	credentialPut     = armmsi.FederatedIdentityCredentialsClientCreateOrUpdateResponse
	credentialDeleted = armmsi.FederatedIdentityCredentialsClientDeleteResponse
	credentialsListed = armmsi.FederatedIdentityCredentialsClientListResponse
)

// credentialServer has the functions of the SDK's fake server for one request.
type credentialServer struct {
	cloud *Cloud
	target
	page page[FederatedCredential]
}

// federatedCredentials answers for the federated credentials of an identity.
func (c *Cloud) federatedCredentials(r *http.Request, t target) answer {
	parent := t.id(1)
	if _, ok := c.identityAt(parent); !ok {
		return noParent(t, r.Method, parent)
	}
	server, method := &fake.FederatedIdentityCredentialsServer{}, ""
	functions := credentialServer{cloud: c, target: t}
	switch {
	case t.open() && r.Method == http.MethodGet:
		found, refusal := pageOf(c, r, skipToken, c.Credentials(parent), func(f FederatedCredential) string { return f.Name })
		if refusal != nil {
			return *refusal
		}
		functions.page = found
		method, server.NewListPager = "NewListPager", functions.list
	case t.open():
		return notAllowed(r)
	case r.Method == http.MethodGet:
		method, server.Get = "Get", functions.get
	case r.Method == http.MethodPut:
		method, server.CreateOrUpdate = "CreateOrUpdate", functions.put
	case r.Method == http.MethodDelete:
		method, server.Delete = "Delete", functions.delete
	default:
		return notAllowed(r)
	}
	return through(fake.NewFederatedIdentityCredentialsServerTransport(server), r,
		t.path(identityProvider, identityType, credentialType), "FederatedIdentityCredentialsClient."+method)
}

func (s credentialServer) list(
	string, string, *armmsi.FederatedIdentityCredentialsClientListOptions,
) (pages azfake.PagerResponder[credentialsListed]) {
	list := credentialsListed{}
	list.NextLink = s.page.link()
	for _, one := range s.page.items {
		list.Value = append(list.Value, one.model(s.id(1)))
	}
	pages.AddPage(http.StatusOK, list, nil)
	return pages
}

func (s credentialServer) get(
	_ context.Context, _, _, name string, _ *armmsi.FederatedIdentityCredentialsClientGetOptions,
) (ok azfake.Responder[credentialGot], bad azfake.ErrorResponder) {
	for _, one := range s.cloud.Credentials(s.id(1)) {
		if key(one.Name) == key(name) {
			ok.SetResponse(http.StatusOK, credentialGot{FederatedIdentityCredential: *one.model(s.id(1))}, nil)
			return ok, bad
		}
	}
	bad.SetError(refuse(notFound(s.target)))
	return ok, bad
}

func (s credentialServer) put(
	_ context.Context, _, _, name string, body armmsi.FederatedIdentityCredential,
	_ *armmsi.FederatedIdentityCredentialsClientCreateOrUpdateOptions,
) (ok azfake.Responder[credentialPut], bad azfake.ErrorResponder) {
	written := credentialOf(name, body)
	status, err := s.cloud.writeCredential(s.id(1), func(i *identity) (int, error) { return i.put(s.cloud, written) })
	if err != nil {
		bad.SetError(err)
		return ok, bad
	}
	ok.SetResponse(status, credentialPut{FederatedIdentityCredential: *written.model(s.id(1))}, nil)
	return ok, bad
}

func (s credentialServer) delete(
	_ context.Context, _, _, name string, _ *armmsi.FederatedIdentityCredentialsClientDeleteOptions,
) (ok azfake.Responder[credentialDeleted], bad azfake.ErrorResponder) {
	status, err := s.cloud.writeCredential(s.id(1), func(i *identity) (int, error) { return i.remove(name), nil })
	if err != nil {
		bad.SetError(err)
		return ok, bad
	}
	ok.SetResponse(status, credentialDeleted{}, nil)
	return ok, bad
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
