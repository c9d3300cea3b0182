// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"serviceconnector.dev/test/azure"
)

func TestFederatedAssertion(t *testing.T) {
	w, other := newWorld(t), newIssuer(t)
	with := func(change func(*jwt.RegisteredClaims)) string {
		c := claims()
		change(&c)
		return w.issuer.rs256(t, c)
	}
	in := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(time.Now().Add(d)) }
	for name, test := range map[string]struct{ assertion, want string }{
		"RS256":             {w.issuer.rs256(t, claims()), ""},
		"ES256":             {sign(t, jwt.SigningMethodES256, "ec", w.issuer.ec, claims()), ""},
		"another issuer":    {with(func(c *jwt.RegisteredClaims) { c.Issuer = strings.TrimSuffix(issuerURL, "/") }), "AADSTS700211"},
		"another subject":   {with(func(c *jwt.RegisteredClaims) { c.Subject = strings.ToUpper(subject) }), "AADSTS700213"},
		"another audience":  {with(func(c *jwt.RegisteredClaims) { c.Audience = jwt.ClaimStrings{"kubernetes"} }), "AADSTS700212"},
		"expired":           {with(func(c *jwt.RegisteredClaims) { c.ExpiresAt = in(-time.Hour) }), "AADSTS700024"},
		"without an end":    {with(func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }), "AADSTS700024"},
		"not yet valid":     {with(func(c *jwt.RegisteredClaims) { c.NotBefore = in(time.Hour) }), "AADSTS700024"},
		"signed by another": {other.rs256(t, claims()), "AADSTS700027"},
		"an unknown key":    {sign(t, jwt.SigningMethodRS256, "gone", w.issuer.rsa, claims()), "AADSTS700027"},
		"a wrong algorithm": {sign(t, jwt.SigningMethodHS256, "rsa", []byte("public"), claims()), "AADSTS700027"},
		"not signed":        {sign(t, jwt.SigningMethodNone, "rsa", jwt.UnsafeAllowNoneSignatureType, claims()), "AADSTS700027"},
		"no JWT":            {"rubbish", "AADSTS50027"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, w.token(t.Context(), w.workload(t, test.assertion)), test.want)
		})
	}
}

func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want+":")):
		t.Errorf("want %s, got %v", want, err)
	}
}

func TestCredentialOfAnIdentity(t *testing.T) {
	w := newWorld(t)
	assertion := w.issuer.rs256(t, claims())
	t.Run("its audience has to be the exchange's, too", func(t *testing.T) {
		w.AddCredential(identityID, azure.FederatedCredential{Name: "ours", Issuer: issuerURL, Subject: subject, Audiences: []string{"api://Other"}})
		wantRefusal(t, w.token(t.Context(), w.workload(t, assertion)), "AADSTS700212")
	})
	t.Run("without the identity the client is unknown", func(t *testing.T) {
		w.RemoveIdentity(identityID)
		wantRefusal(t, w.token(t.Context(), w.workload(t, assertion)), "AADSTS700016")
	})
}

func TestIssuerThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t, func(o *azure.Options) { o.Keys = nil })
	wantRefusal(t, w.token(t.Context(), w.workload(t, w.issuer.rs256(t, claims()))), "AADSTS501661")
}

func TestSovereignAudience(t *testing.T) {
	const other = "api://AzureADTokenExchangeChina"
	w := newWorld(t, func(o *azure.Options) { o.ExchangeAudience = other })
	w.AddCredential(identityID, azure.FederatedCredential{Name: "ours", Issuer: issuerURL, Subject: subject, Audiences: []string{other}})
	c := claims()
	wantRefusal(t, w.token(t.Context(), w.workload(t, w.issuer.rs256(t, c))), "AADSTS700212")
	c.Audience = jwt.ClaimStrings{other}
	wantRefusal(t, w.token(t.Context(), w.workload(t, w.issuer.rs256(t, c))), "")
}

func TestClientSecret(t *testing.T) {
	w := newWorld(t)
	wantRefusal(t, w.token(t.Context(), w.principal(t, secret)), "")
	wantRefusal(t, w.token(t.Context(), w.principal(t, "another")), "AADSTS7000215")
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/" + tenantID + "/v2.0/.well-known/openid-configuration": "token_endpoint",
		"/common/discovery/instance":                              "tenant_discovery_endpoint",
		"/elsewhere/v2.0/.well-known/openid-configuration":        "error_codes",
	} {
		response, err := w.http.Get(w.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		err = json.NewDecoder(response.Body).Decode(&document)
		_ = response.Body.Close()
		if err != nil || document[want] == nil {
			t.Errorf("%s: %v, %v", path, document, err)
		}
	}
}

func TestPlaintextIsRefused(t *testing.T) {
	w := newWorld(t)
	response, err := w.http.Get(strings.Replace(w.URL, "https", "http", 1))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadRequest || len(w.Requests()) > 0 {
		t.Errorf("got %d, %v", response.StatusCode, w.Requests())
	}
}
