// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"serviceconnector.dev/test/azure"
)

func TestDeny(t *testing.T) {
	w := newWorld(t)
	w.SetLinker(clusterID, azure.Linker{Name: "one"})
	c := w.client(t, w.workload(t, w.issuer.rs256(t, claims())))
	for name, test := range map[string]struct {
		method, path, version, deny, action, scope string
	}{
		"a list": {http.MethodGet, linkers, linkerVersion,
			"Microsoft.ServiceLinker/linkers/read", "Microsoft.ServiceLinker/linkers/read", clusterID},
		"an item, by any case": {http.MethodGet, linkers + "/one", linkerVersion,
			"microsoft.servicelinker/LINKERS/read", "Microsoft.ServiceLinker/linkers/read", linkers + "/one"},
		"an action": {http.MethodPost, linkers + "/one/listConfigurations", linkerVersion,
			"Microsoft.ServiceLinker/*", "Microsoft.ServiceLinker/linkers/listConfigurations/action", linkers + "/one"},
		"a write": {http.MethodPut, identityID + "/federatedIdentityCredentials/abc", "2024-11-30",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write", identityID + "/federatedIdentityCredentials/abc"},
		"a removal": {http.MethodDelete, identityID + "/federatedIdentityCredentials/abc", "2024-11-30", "*",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete", identityID + "/federatedIdentityCredentials/abc"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Deny(clientID, test.deny)
			defer w.Allow(clientID, test.deny)
			_, err := c.do(t.Context(), test.method, test.path, test.version, nil)
			wantError(t, err, http.StatusForbidden, "AuthorizationFailed")
			for _, want := range []string{
				"The client '" + clientID + "' with object id '" + objectID + "' does not have authorization to perform action '" + test.action + "'",
				"over scope '" + test.scope + "'",
			} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks: %s", err, want)
				}
			}
		})
	}
	t.Run("others may, and so may the client again", func(t *testing.T) {
		w.Deny(principalID, "*")
		if _, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil); err != nil {
			t.Error(err)
		}
	})
}

// made is a credential whose token is made up, or nothing.
type made struct{ token string }

func (m made) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: m.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestTokensThatAreNot(t *testing.T) {
	w := newWorld(t)
	read := func(c azcore.TokenCredential) error {
		_, err := w.client(t, c).do(t.Context(), http.MethodGet, linkers, linkerVersion, nil)
		return err
	}
	wantError(t, read(made{"made-up"}), http.StatusUnauthorized, "InvalidAuthenticationToken")

	response, err := w.http.Get(w.URL + linkers + "?api-version=" + linkerVersion)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := response.Header.Get("WWW-Authenticate"); response.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(got, "Bearer authorization_uri=") {
		t.Errorf("without a token: %d %s", response.StatusCode, got)
	}

	vault, err := w.principal(t, secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, read(made{vault.Token}), http.StatusUnauthorized, "InvalidAuthenticationTokenAudience")
}

// After a 401 the SDK's pipeline drops the token it has and returns. It asks the
// credential for another at the next call, which keeps its own until that nears
// its end.
func TestExpiredToken(t *testing.T) {
	read := func(c *client) error {
		_, err := c.do(t.Context(), http.MethodGet, linkers, linkerVersion, nil)
		return err
	}
	t.Run("one near its end is replaced by the next call", func(t *testing.T) {
		w := newWorld(t, func(o *azure.Options) { o.TokenLifetime = time.Minute })
		c := w.client(t, w.workload(t, w.issuer.rs256(t, claims())))
		if err := read(c); err != nil {
			t.Fatal(err)
		}
		w.ExpireTokens()
		wantError(t, read(c), http.StatusUnauthorized, "ExpiredAuthenticationToken")
		if err := read(c); err != nil {
			t.Error(err)
		}
		if got := w.sent(azure.HostARM); got != 3 {
			t.Errorf("%d calls, want 3", got)
		}
	})
	t.Run("one that ended early is kept, and another credential retries once", func(t *testing.T) {
		w := newWorld(t)
		assertion := w.issuer.rs256(t, claims())
		c := w.client(t, w.workload(t, assertion))
		if err := read(c); err != nil {
			t.Fatal(err)
		}
		w.ExpireTokens()
		wantError(t, read(c), http.StatusUnauthorized, "ExpiredAuthenticationToken")
		wantError(t, read(c), http.StatusUnauthorized, "ExpiredAuthenticationToken")
		if err := read(w.client(t, w.workload(t, assertion))); err != nil {
			t.Error(err)
		}
		if got := w.sent(azure.HostARM); got != 4 {
			t.Errorf("%d calls, want 4", got)
		}
	})
	t.Run("tokens end by the clock", func(t *testing.T) {
		var later time.Duration
		w := newWorld(t, func(o *azure.Options) { o.Now = func() time.Time { return time.Now().Add(later) } })
		c := w.client(t, w.principal(t, secret))
		if err := read(c); err != nil {
			t.Fatal(err)
		}
		later = 2 * time.Hour
		wantError(t, read(c), http.StatusUnauthorized, "ExpiredAuthenticationToken")
	})
}
