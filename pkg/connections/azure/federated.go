// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
)

// MaxFederatedCredentials is how many federated credentials an identity can have.
// Source: azure-workload-identity's documentation, "Known issues".
const MaxFederatedCredentials = 20

// audiences are those of tokens for Entra ID, by cloud. Source: Azure's documentation
// of workload identity federation, "Set up the audience".
var audiences = map[string]string{
	"AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
	"AzureChina":        "api://AzureADTokenExchangeChina",
}

// FederatedCredential says whose tokens an identity is given to.
type FederatedCredential struct {
	Name, Issuer, Subject string
}

// Identities returns the resource ids of the identities in the configured scopes, by
// their client ids in lower case.
func (c *Client) Identities(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	for _, scope := range c.config.scopes() {
		id, err := arm.ParseResourceID(scope)
		if err != nil {
			return nil, fmt.Errorf("%q is no resource id: %w", scope, err)
		}
		client, err := armmsi.NewUserAssignedIdentitiesClient(id.SubscriptionID, c.credential, c.options)
		if err != nil {
			return nil, fmt.Errorf("making a client for identities: %w", err)
		}
		take := func(list []*armmsi.Identity) {
			for _, i := range list {
				if i != nil && i.ID != nil && i.Properties != nil && i.Properties.ClientID != nil {
					found[strings.ToLower(*i.Properties.ClientID)] = *i.ID
				}
			}
		}
		if id.ResourceGroupName != "" {
			for pager := client.NewListByResourceGroupPager(id.ResourceGroupName, nil); pager.More(); {
				page, err := pager.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				take(page.Value)
			}
			continue
		}
		for pager := client.NewListBySubscriptionPager(nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			take(page.Value)
		}
	}
	return found, nil
}

// FederatedCredentials returns those of an identity.
func (c *Client) FederatedCredentials(ctx context.Context, identity string) ([]FederatedCredential, error) {
	client, id, err := c.federation(identity)
	if err != nil {
		return nil, err
	}
	var all []FederatedCredential
	for pager := client.NewListPager(id.ResourceGroupName, id.Name, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Value {
			if f == nil || f.Name == nil || f.Properties == nil {
				continue
			}
			all = append(all, FederatedCredential{Name: *f.Name, Issuer: text(f.Properties.Issuer), Subject: text(f.Properties.Subject)})
		}
	}
	return all, nil
}

// PutFederatedCredential makes a federated credential, or makes it anew. Azure answers
// 409 to two writes of one identity at the same time.
func (c *Client) PutFederatedCredential(ctx context.Context, identity string, f FederatedCredential) error {
	client, id, err := c.federation(identity)
	if err != nil {
		return err
	}
	_, err = client.CreateOrUpdate(ctx, id.ResourceGroupName, id.Name, f.Name, armmsi.FederatedIdentityCredential{
		Properties: &armmsi.FederatedIdentityCredentialProperties{
			Issuer: &f.Issuer, Subject: &f.Subject, Audiences: []*string{new(c.config.audience())},
		},
	}, nil)
	return err
}

// DeleteFederatedCredential deletes one; that it is not there is no error.
func (c *Client) DeleteFederatedCredential(ctx context.Context, identity, name string) error {
	client, id, err := c.federation(identity)
	if err != nil {
		return err
	}
	_, err = client.Delete(ctx, id.ResourceGroupName, id.Name, name, nil)
	var refused *azcore.ResponseError
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return nil
	}
	return err
}

func (c *Client) federation(identity string) (*armmsi.FederatedIdentityCredentialsClient, *arm.ResourceID, error) {
	id, err := arm.ParseResourceID(identity)
	if err != nil {
		return nil, nil, fmt.Errorf("%q is no resource id: %w", identity, err)
	}
	client, err := armmsi.NewFederatedIdentityCredentialsClient(id.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client for federated credentials: %w", err)
	}
	return client, id, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
