// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"serviceconnector.dev/test/azure"
)

// credentials is the SDK's client for those of the one identity.
type credentials struct {
	*armmsi.FederatedIdentityCredentialsClient
}

func (w *world) credentials(t *testing.T, change ...func(*arm.ClientOptions)) credentials {
	t.Helper()
	options := w.armOptions()
	for _, do := range change {
		do(options)
	}
	c, err := armmsi.NewFederatedIdentityCredentialsClient(subscriptionID, w.principal(t, secret), options)
	if err != nil {
		t.Fatal(err)
	}
	return credentials{c}
}

// put writes a credential and returns the status.
func (c credentials) put(ctx context.Context, name, subject string) (int, error) {
	var response *http.Response
	_, err := c.CreateOrUpdate(policy.WithCaptureResponse(ctx, &response), group, "orders", name, armmsi.FederatedIdentityCredential{
		Properties: &armmsi.FederatedIdentityCredentialProperties{
			Issuer: new(issuerURL), Subject: new(subject), Audiences: []*string{new(audience)},
		},
	}, nil)
	return status(response), err
}

func (c credentials) remove(ctx context.Context, name string) (int, error) {
	var response *http.Response
	_, err := c.Delete(policy.WithCaptureResponse(ctx, &response), group, "orders", name, nil)
	return status(response), err
}

func (c credentials) names(t *testing.T) (names []string, pages int) {
	t.Helper()
	for pager := c.NewListPager(group, "orders", nil); pager.More(); pages++ {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Value {
			names = append(names, *one.Name)
		}
	}
	return names, pages
}

func status(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

func TestFederatedCredentials(t *testing.T) {
	w := newWorld(t)
	c := w.credentials(t)
	want := func(t *testing.T, status int) func(int, error) {
		return func(got int, err error) {
			t.Helper()
			if err != nil || got != status {
				t.Errorf("want %d, got %d, %v", status, got, err)
			}
		}
	}
	t.Run("a life", func(t *testing.T) {
		want(t, http.StatusCreated)(c.put(t.Context(), "life", "s1"))
		want(t, http.StatusOK)(c.put(t.Context(), "life", "s2"))
		got, err := c.Get(t.Context(), group, "orders", "LIFE", nil)
		if err != nil || *got.Name != "life" || *got.Properties.Subject != "s2" || *got.Properties.Audiences[0] != audience {
			t.Errorf("got %+v, %v", got, err)
		}
		want(t, http.StatusOK)(c.remove(t.Context(), "life"))
		want(t, http.StatusNoContent)(c.remove(t.Context(), "life"))
		_, err = c.Get(t.Context(), group, "orders", "life", nil)
		wantError(t, err, http.StatusNotFound, "ResourceNotFound")
	})
	t.Run("a pair is unique", func(t *testing.T) {
		_, err := c.put(t.Context(), "twice", subject)
		wantError(t, err, http.StatusBadRequest, "BadRequest")
	})
	t.Run("a name has rules", func(t *testing.T) {
		for _, name := range []string{"ab", "-abc", "a.bc"} {
			_, err := c.put(t.Context(), name, "s")
			wantError(t, err, http.StatusBadRequest, "BadRequest")
		}
	})
	t.Run("there is no identity", func(t *testing.T) {
		_, err := c.Get(t.Context(), group, "none", "abc", nil)
		wantError(t, err, http.StatusNotFound, "ParentResourceNotFound")
	})
	t.Run("all members are needed", func(t *testing.T) {
		_, err := c.CreateOrUpdate(t.Context(), group, "orders", "abc", armmsi.FederatedIdentityCredential{}, nil)
		wantError(t, err, http.StatusBadRequest, "BadRequest")
	})
}

func TestLimitAndPagesOfCredentials(t *testing.T) {
	w := newWorld(t)
	c := w.credentials(t)
	want := []string{"ours"}
	for i := range 19 {
		name := fmt.Sprintf("c%02d", i)
		want = append(want, name)
		if _, err := c.put(t.Context(), name, name); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.put(t.Context(), "c19", "c19")
	wantError(t, err, http.StatusBadRequest, "BadRequest")
	if status, err := c.put(t.Context(), "c18", "changed"); status != http.StatusOK || err != nil {
		t.Errorf("an update at the limit: %d, %v", status, err)
	}
	slices.Sort(want)
	w.SetPageSize(8)
	if got, pages := c.names(t); pages != 3 || !slices.Equal(got, want) {
		t.Errorf("got %d pages: %v", pages, got)
	}
}

func TestConcurrentWrites(t *testing.T) {
	w := newWorld(t)
	c := w.credentials(t)
	resume := w.PauseWrites()
	defer resume()
	results := make(chan error, 2)
	for _, name := range []string{"one", "two"} {
		go func() {
			_, err := c.put(t.Context(), name, name)
			results <- err
		}()
	}
	// Whichever came second is refused while the first is held.
	wantError(t, <-results, http.StatusConflict, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity")
	_, err := c.remove(t.Context(), "ours")
	wantError(t, err, http.StatusConflict, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity")
	if got := w.Credentials(identityID); len(got) != 1 {
		t.Errorf("while it is held: %v", got)
	}
	resume()
	if err := <-results; err != nil {
		t.Error(err)
	}
	if status, err := c.remove(t.Context(), "ours"); status != http.StatusOK || err != nil {
		t.Errorf("after it: %d, %v", status, err)
	}
	w.SetWriteTime(time.Millisecond)
	if status, err := c.put(t.Context(), "slow", "slow"); status != http.StatusCreated || err != nil {
		t.Errorf("a slow one: %d, %v", status, err)
	}
}

func TestPropagation(t *testing.T) {
	var later time.Duration
	w := newWorld(t, func(o *azure.Options) { o.Now = func() time.Time { return time.Now().Add(later) } })
	w.SetPropagation(time.Minute)
	if _, err := w.credentials(t).put(t.Context(), "new", "system:serviceaccount:shop:new"); err != nil {
		t.Fatal(err)
	}
	c := claims()
	c.Subject = "system:serviceaccount:shop:new"
	assertion := w.issuer.rs256(t, c)
	wantRefusal(t, w.token(t.Context(), w.workload(t, assertion)), "AADSTS700213")
	later = time.Minute
	wantRefusal(t, w.token(t.Context(), w.workload(t, assertion)), "")
}

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	w.AddIdentity(azure.Identity{ResourceID: identityID + "-2", ClientID: "c2", PrincipalID: "p2"})
	w.AddIdentity(azure.Identity{ResourceID: "/subscriptions/other/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"})
	w.SetPageSize(1)
	c, err := armmsi.NewUserAssignedIdentitiesClient(subscriptionID, w.principal(t, secret), w.armOptions())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(t.Context(), group, "orders", nil)
	if err != nil || *got.Properties.ClientID != clientID || *got.Properties.TenantID != tenantID || *got.ID != identityID {
		t.Errorf("got %+v, %v", got.Properties, err)
	}
	_, err = c.Get(t.Context(), group, "none", nil)
	wantError(t, err, http.StatusNotFound, "ResourceNotFound")
	var ids []string
	for pager := c.NewListBySubscriptionPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Value {
			ids = append(ids, *one.Properties.ClientID)
		}
	}
	for pager := c.NewListByResourceGroupPager(group, nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, fmt.Sprint(len(page.Value)))
	}
	if !slices.Equal(ids, []string{clientID, "c2", "1", "1"}) {
		t.Errorf("got %v", ids)
	}
}
