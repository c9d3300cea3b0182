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

type (
	identityGot              = armmsi.UserAssignedIdentitiesClientGetResponse
	identitiesOfSubscription = armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse
	identitiesOfGroup        = armmsi.UserAssignedIdentitiesClientListByResourceGroupResponse
)

// identityServer has the functions of the SDK's fake server for one request.
type identityServer struct {
	cloud *Cloud
	target
	list armmsi.UserAssignedIdentitiesListResult
}

// userAssignedIdentities answers with one identity, or with those of a
// subscription or a resource group.
func (c *Cloud) userAssignedIdentities(r *http.Request, t target) answer {
	if r.Method != http.MethodGet {
		return notAllowed(r)
	}
	server, method := &fake.UserAssignedIdentitiesServer{}, ""
	functions := identityServer{cloud: c, target: t}
	if t.open() {
		found, refusal := pageOf(c, r, skipToken, c.identitiesIn(t.scope), func(i *armmsi.Identity) string { return *i.ID })
		if refusal != nil {
			return *refusal
		}
		functions.list = armmsi.UserAssignedIdentitiesListResult{Value: found.items, NextLink: found.link()}
	}
	switch {
	case !t.open():
		method, server.Get = "Get", functions.get
	case t.segment("resourceGroups") == "":
		method, server.NewListBySubscriptionPager = "NewListBySubscriptionPager", functions.ofSubscription
	default:
		method, server.NewListByResourceGroupPager = "NewListByResourceGroupPager", functions.ofGroup
	}
	return through(fake.NewUserAssignedIdentitiesServerTransport(server), r,
		t.path(identityProvider, identityType), "UserAssignedIdentitiesClient."+method)
}

func (s identityServer) get(
	context.Context, string, string, *armmsi.UserAssignedIdentitiesClientGetOptions,
) (ok azfake.Responder[identityGot], bad azfake.ErrorResponder) {
	if i, found := s.cloud.identityAt(s.resource()); found {
		ok.SetResponse(http.StatusOK, identityGot{Identity: *i}, nil)
	} else {
		bad.SetError(refuse(notFound(s.target)))
	}
	return ok, bad
}

func (s identityServer) ofSubscription(
	*armmsi.UserAssignedIdentitiesClientListBySubscriptionOptions,
) (pages azfake.PagerResponder[identitiesOfSubscription]) {
	pages.AddPage(http.StatusOK, identitiesOfSubscription{UserAssignedIdentitiesListResult: s.list}, nil)
	return pages
}

func (s identityServer) ofGroup(
	string, *armmsi.UserAssignedIdentitiesClientListByResourceGroupOptions,
) (pages azfake.PagerResponder[identitiesOfGroup]) {
	pages.AddPage(http.StatusOK, identitiesOfGroup{UserAssignedIdentitiesListResult: s.list}, nil)
	return pages
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
