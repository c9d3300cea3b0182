// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// grant is what an access token gives.
type grant struct {
	clientID, objectID string
	audience           string
	end                time.Time
}

// token answers the token endpoint: client credentials only.
func (c *Cloud) token(r *http.Request) answer {
	if err := r.ParseForm(); err != nil {
		return c.malformed(9002313, "Invalid request. Request is malformed or invalid.")
	}
	if kind := r.PostForm.Get("grant_type"); kind != "client_credentials" {
		return c.malformed(70003, "The app requested an unsupported grant type '%s'.", kind)
	}
	audience, ok := resourceOf(r.PostForm.Get("scope"))
	if !ok {
		return c.malformed(1002012, "The provided value for scope %s is not valid. "+
			"Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", r.PostForm.Get("scope"))
	}
	objectID, refusal := c.believe(r)
	if refusal != nil {
		return *refusal
	}
	return c.issue(grant{clientID: r.PostForm.Get("client_id"), objectID: objectID, audience: audience})
}

// resourceOf returns what a scope asks for. Clients add words of OpenID to it.
func resourceOf(scope string) (string, bool) {
	for word := range strings.FieldsSeq(scope) {
		if resource, ok := strings.CutSuffix(word, "/.default"); ok {
			return resource, true
		}
	}
	return "", false
}

// believe returns the object id of the client, or why it is not believed.
func (c *Cloud) believe(r *http.Request) (string, *answer) {
	clientID := r.PostForm.Get("client_id")
	if r.PostForm.Get("client_assertion_type") == assertionType {
		return c.believeAssertion(r.Context(), clientID, r.PostForm.Get("client_assertion"))
	}
	var principal Principal
	var known bool
	c.change(func(s *state) { principal, known = s.principals[key(clientID)] })
	if !known {
		return "", new(c.unknownClient(clientID))
	}
	secret := r.PostForm.Get("client_secret")
	if secret == "" {
		return "", new(c.refused(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."))
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(principal.Secret)) != 1 {
		return "", new(c.refused(7000215, "Invalid client secret provided. "+
			"Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", clientID))
	}
	return principal.ObjectID, nil
}

func (c *Cloud) unknownClient(clientID string) answer {
	return entraFailure(c.options.Now(), http.StatusBadRequest, "unauthorized_client", 700016,
		"Application with identifier '%s' was not found in the directory '%s'.", clientID, c.options.TenantID)
}

// issue makes a token and answers with it.
func (c *Cloud) issue(g grant) answer {
	token, lifetime := rand.Text()+rand.Text(), c.options.TokenLifetime
	g.end = c.options.Now().Add(lifetime)
	c.change(func(s *state) { s.tokens[token] = g })
	seconds := int(lifetime.Seconds())
	return jsonAnswer(http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token,
	}).with("Cache-Control", "no-store, no-cache")
}

// ExpireTokens ends all access tokens there are. Clients that keep one see 401
// until they ask for another.
func (c *Cloud) ExpireTokens() {
	now := c.options.Now()
	c.change(func(s *state) {
		for token, g := range s.tokens {
			g.end = now
			s.tokens[token] = g
		}
	})
}

// authenticate returns what the token of a request gives, or a refusal.
func (c *Cloud) authenticate(r *http.Request) (grant, *answer) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return grant{}, new(c.challenge("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."))
	}
	var g grant
	c.change(func(s *state) { g, ok = s.tokens[token] })
	switch {
	case !ok:
		return grant{}, new(c.challenge("InvalidAuthenticationToken", "The access token is invalid."))
	case !c.options.Now().Before(g.end):
		return grant{}, new(c.expired(g.end))
	case !c.isARM(g.audience):
		return grant{}, new(c.challenge("InvalidAuthenticationTokenAudience",
			"The access token has been obtained for wrong audience or resource '"+g.audience+"'."))
	}
	return g, nil
}

// isARM tells whether an audience is ARM's.
func (c *Cloud) isARM(audience string) bool {
	switch strings.TrimRight(audience, "/") {
	case "https://management.azure.com", "https://management.core.windows.net", c.URL:
		return true
	}
	return false
}
