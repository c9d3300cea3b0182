// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// object returns a document's members, or nil if it is none.
func object(document any) map[string]any {
	raw, err := json.Marshal(document)
	if err != nil {
		return nil
	}
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil {
		return nil
	}
	return members
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func orNil(members map[string]any) any {
	if members == nil {
		return nil
	}
	return members
}

// blank makes the credentials in authInfo null.
func blank(auth map[string]any) map[string]any {
	for name, value := range auth {
		switch inner, ok := value.(map[string]any); {
		case name == "secret" || name == "certificate" || name == "value":
			auth[name] = nil
		case ok:
			auth[name] = blank(inner)
		}
	}
	return auth
}

// credentialAuth are the kinds of authentication whose configurations hold
// credentials.
var credentialAuth = []string{"secret", "accessKey", "servicePrincipalSecret", "servicePrincipalCertificate"}

// credentialEnd is how names of credentials end, without signs and in lower case.
var credentialEnd = regexp.MustCompile(`(connectionstring|password|secret|key|jaasconfig|saslconfig|userinfo|mongodburi)$`)

var signs = regexp.MustCompile(`[^a-z0-9]`)

// holdsCredential tells whether Azure shows a value as empty.
func (l Linker) holdsCredential(one Configuration) bool {
	if one.Secret != nil {
		return *one.Secret
	}
	kind, _ := object(l.Auth)["authType"].(string)
	return one.ConfigType != "KeyVaultSecret" && slices.Contains(credentialAuth, kind) &&
		credentialEnd.MatchString(signs.ReplaceAllString(strings.ToLower(one.Name), ""))
}
