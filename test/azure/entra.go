// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// entra answers as Entra's authority does.
func (c *Cloud) entra(r *http.Request) answer {
	tenant, rest, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	known := key(tenant) == key(c.options.TenantID)
	switch strings.ToLower(rest) {
	case "discovery/instance":
		return c.instance()
	case "v2.0/.well-known/openid-configuration":
		if !known {
			return c.noTenant(tenant)
		}
		return c.metadata()
	case "oauth2/v2.0/token":
		if r.Method != http.MethodPost {
			return entraFailure(c.options.Now(), http.StatusBadRequest, "invalid_request", 900561,
				"The endpoint only accepts POST requests. Received a %s request.", r.Method)
		}
		if !known {
			return c.noTenant(tenant)
		}
		return c.token(r)
	}
	return answer{status: http.StatusNotFound}
}

func (c *Cloud) noTenant(tenant string) answer {
	return entraFailure(c.options.Now(), http.StatusBadRequest, "invalid_tenant", 90002,
		"Tenant '%s' not found. "+
			"Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant)
}

// authority is what Entra calls the tenant.
func (c *Cloud) authority() string { return c.URL + "/" + c.options.TenantID }

// metadata is the tenant's OpenID configuration.
func (c *Cloud) metadata() answer {
	authority := c.authority()
	return jsonAnswer(http.StatusOK, map[string]any{
		"issuer":                                authority + "/v2.0",
		"token_endpoint":                        authority + "/oauth2/v2.0/token",
		"authorization_endpoint":                authority + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         authority + "/oauth2/v2.0/devicecode",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
	})
}

// instance tells a client that this authority is one of a cloud.
func (c *Cloud) instance() answer {
	host := strings.TrimPrefix(c.URL, "https://")
	return jsonAnswer(http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": c.authority() + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	})
}

// expired answers that a token ended.
func (c *Cloud) expired(end time.Time) answer {
	message := fmt.Sprintf("The access token expiry UTC time '%s' is earlier than current UTC time '%s'.", stamp(end), stamp(c.options.Now()))
	return c.challenge("ExpiredAuthenticationToken", message)
}

// challenge answers as ARM does to one whom it does not know.
func (c *Cloud) challenge(code, message string) answer {
	header := fmt.Sprintf("Bearer authorization_uri=%q, error=\"invalid_token\", error_description=%q", c.authority(), message)
	return failure(http.StatusUnauthorized, code, "%s", message).with("Www-Authenticate", header)
}
