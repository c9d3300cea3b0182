// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"net/http"
	"strings"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi/fake"
)

const (
	identityProvider = "Microsoft.ManagedIdentity"
	identityType     = "userAssignedIdentities"
	credentialType   = "federatedIdentityCredentials"
	// skipToken is Managed Identity's spelling; Service Linker's differs.
	skipToken = "$skiptoken"
)

// userAssignedIdentities answers with one identity, or with those of a
// subscription or a resource group.
func (c *Cloud) userAssignedIdentities(r *http.Request, t target) answer {
	if r.Method != http.MethodGet {
		return notAllowed(r)
	}
	server := &fake.UserAssignedIdentitiesServer{}
	path, method := t.path(identityProvider, identityType), "UserAssignedIdentitiesClient.Get"
	if !t.open() {
		server.Get = func(context.Context, string, string, *armmsi.UserAssignedIdentitiesClientGetOptions) (ok azfake.Responder[armmsi.UserAssignedIdentitiesClientGetResponse], bad azfake.ErrorResponder) {
			if i, found := c.identityAt(t.resource()); found {
				ok.SetResponse(http.StatusOK, armmsi.UserAssignedIdentitiesClientGetResponse{Identity: *i}, nil)
			} else {
				bad.SetError(refuse(notFound(t)))
			}
			return ok, bad
		}
		return through(fake.NewUserAssignedIdentitiesServerTransport(server), r, path, method)
	}
	found, refusal := pageOf(c, r, skipToken, c.identitiesIn(t.scope), func(i *armmsi.Identity) string { return *i.ID })
	if refusal != nil {
		return *refusal
	}
	list := armmsi.UserAssignedIdentitiesListResult{Value: found.items, NextLink: found.link()}
	server.NewListBySubscriptionPager = func(*armmsi.UserAssignedIdentitiesClientListBySubscriptionOptions) (pages azfake.PagerResponder[armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse]) {
		pages.AddPage(http.StatusOK, armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse{UserAssignedIdentitiesListResult: list}, nil)
		return pages
	}
	server.NewListByResourceGroupPager = func(string, *armmsi.UserAssignedIdentitiesClientListByResourceGroupOptions) (pages azfake.PagerResponder[armmsi.UserAssignedIdentitiesClientListByResourceGroupResponse]) {
		pages.AddPage(http.StatusOK, armmsi.UserAssignedIdentitiesClientListByResourceGroupResponse{UserAssignedIdentitiesListResult: list}, nil)
		return pages
	}
	method = "UserAssignedIdentitiesClient.NewListBySubscriptionPager"
	if t.segment("resourceGroups") != "" {
		method = "UserAssignedIdentitiesClient.NewListByResourceGroupPager"
	}
	return through(fake.NewUserAssignedIdentitiesServerTransport(server), r, path, method)
}

func (c *Cloud) identityAt(id string) (*armmsi.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.state.identities[key(id)]
	if !ok {
		return nil, false
	}
	return found.model(), true
}

// identitiesIn returns the identities of a scope in the order of their ids.
func (c *Cloud) identitiesIn(scope string) []*armmsi.Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*armmsi.Identity
	for _, i := range sortedBy(c.state.identities, func(i *identity) string { return i.ResourceID }) {
		if strings.HasPrefix(key(i.ResourceID), key(scope)+"/") {
			list = append(list, i.model())
		}
	}
	return list
}

func (i *identity) model() *armmsi.Identity {
	return &armmsi.Identity{
		ID:       new(i.ResourceID),
		Name:     new(i.ResourceID[strings.LastIndex(i.ResourceID, "/")+1:]),
		Type:     new(identityProvider + "/" + identityType),
		Location: new(i.Location),
		Properties: &armmsi.UserAssignedIdentityProperties{
			ClientID: new(i.ClientID), PrincipalID: new(i.PrincipalID), TenantID: new(i.TenantID),
		},
	}
}
