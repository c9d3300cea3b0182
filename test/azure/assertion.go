// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is the skew of clocks that Entra allows.
const leeway = 5 * time.Minute

// believeAssertion verifies a federated assertion. It returns the object id of
// the identity, or why it is not believed, in the order in which Entra looks.
func (c *Cloud) believeAssertion(ctx context.Context, clientID, assertion string) (string, *answer) {
	claims, unverified := jwt.RegisteredClaims{}, jwt.NewParser()
	if _, _, err := unverified.ParseUnverified(assertion, &claims); err != nil {
		return "", new(c.refused(50027, "JWT token is invalid or malformed."))
	}
	found, err := c.identityOf(clientID)
	if err != nil {
		return "", new(c.unknownClient(clientID))
	}
	if refusal := c.match(found, claims); refusal != nil {
		return "", refusal
	}
	keys, err := c.options.Keys(ctx, claims.Issuer)
	if err != nil {
		return "", new(c.malformed(501661, "Request to External OIDC endpoint failed."))
	}
	if refusal := c.verify(assertion, keys, claims); refusal != nil {
		return "", refusal
	}
	return found.PrincipalID, nil
}

// known is an identity with the credentials that Entra knows.
type known struct {
	Identity
	credentials []FederatedCredential
}

// identityOf returns the identity with a client id.
func (c *Cloud) identityOf(clientID string) (known, error) {
	now := c.options.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.state.identities {
		if key(i.ClientID) != key(clientID) {
			continue
		}
		found := known{Identity: i.Identity}
		for _, one := range i.credentials {
			if !now.Before(one.known) {
				found.credentials = append(found.credentials, one.FederatedCredential)
			}
		}
		return found, nil
	}
	return known{}, errors.New("no such identity")
}

const advice = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. " +
	"https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

// match looks for a credential for an assertion. Issuer, subject and audience
// are compared exactly.
func (c *Cloud) match(i known, claims jwt.RegisteredClaims) *answer {
	fits := func(f FederatedCredential) bool { return f.Issuer == claims.Issuer }
	if !slices.ContainsFunc(i.credentials, fits) {
		return new(c.refused(700211, "No matching federated identity record found for presented assertion issuer '%s'. %s", claims.Issuer, advice))
	}
	fits = func(f FederatedCredential) bool { return f.Issuer == claims.Issuer && f.Subject == claims.Subject }
	at := slices.IndexFunc(i.credentials, fits)
	if at < 0 {
		return new(c.refused(700213, "No matching federated identity record found for presented assertion subject '%s'. %s", claims.Subject, advice))
	}
	audience := c.options.ExchangeAudience
	if !slices.Contains(claims.Audience, audience) || !slices.Contains(i.credentials[at].Audiences, audience) {
		return new(c.refused(700212, "No matching federated identity record found for presented assertion audience '%s'. %s",
			strings.Join(claims.Audience, "', '"), advice))
	}
	return nil
}

// verify verifies the signature, and then the times.
func (c *Cloud) verify(assertion string, jwks []byte, claims jwt.RegisteredClaims) *answer {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "ES256"}), jwt.WithTimeFunc(c.options.Now),
		jwt.WithLeeway(leeway), jwt.WithExpirationRequired())
	_, err := parser.Parse(assertion, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		return publicKey(jwks, id)
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return new(c.refused(700024, "Client assertion is not within its valid time range. Current time: %s, "+
			"assertion valid from %s, expiry time of assertion %s.",
			stamp(c.options.Now()), stampOf(claims.NotBefore), stampOf(claims.ExpiresAt)))
	case errors.Is(err, errNoKey):
		return new(c.refused(700027, "The certificate with identifier used to sign the client assertion is not registered on application. "+
			"[Reason - The key was not found.]"))
	}
	return new(c.refused(700027, "Client assertion failed signature validation."))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func stampOf(d *jwt.NumericDate) string {
	if d == nil {
		return "(none)"
	}
	return stamp(d.Time)
}
