// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"net/http"
	"testing"

	"serviceconnector.dev/test/azure"
)

func TestKeys(t *testing.T) {
	const account = groupID + "/providers/Microsoft.Storage/storageAccounts/shop"
	w := newWorld(t)
	w.SetKeys(account, "listKeys", map[string]any{"keys": []map[string]string{{"keyName": "key1", "value": "first"}}})
	c := w.client(t, w.principal(t, secret))
	var got struct {
		Keys []struct{ KeyName, Value string }
	}
	read := func(method string) error {
		_, err := c.do(t.Context(), method, account+"/LISTKEYS", "2023-05-01", &got)
		return err
	}
	if err := read(http.MethodPost); err != nil || got.Keys[0].Value != "first" {
		t.Errorf("got %+v, %v", got, err)
	}
	w.SetKeys(account, "listKeys", map[string]any{"keys": []map[string]string{{"keyName": "key1", "value": "second"}}})
	if err := read(http.MethodPost); err != nil || got.Keys[0].Value != "second" {
		t.Errorf("after a rotation: %+v, %v", got, err)
	}
	wantError(t, read(http.MethodGet), http.StatusMethodNotAllowed, "MethodNotAllowed")
	w.Deny(principalID, "Microsoft.Storage/storageAccounts/listKeys/action")
	wantError(t, read(http.MethodPost), http.StatusForbidden, "AuthorizationFailed")
	w.Allow(principalID, "Microsoft.Storage/storageAccounts/listKeys/action")
	w.SetKeys(account, "listKeys", nil)
	wantError(t, read(http.MethodPost), http.StatusNotFound, "ResourceNotFound")
}

func TestSeed(t *testing.T) {
	seed, err := azure.ReadSeed([]byte(`
identities:
- resourceId: ` + identityID + `-2
  clientId: c
  principalId: p
  credentials:
  - {name: one, issuer: https://i, subject: s, audiences: ["api://AzureADTokenExchange"]}
principals:
- {clientId: ` + principalID + `, secret: other}
clusters:
- resourceId: ` + clusterID + `
  oidcIssuerEnabled: true
  issuerUrl: https://i
  linkers:
  - name: my_conn
    scope: shop
    auth: {authType: accessKey}
    configurations: [{name: A, value: b}]
keys:
- {resourceId: ` + groupID + `/providers/Microsoft.Cache/redis/r, tail: listKeys, answer: {primaryKey: k}}
`))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.Add(seed)
	if got := w.Credentials(identityID + "-2"); len(got) != 1 || got[0].Subject != "s" {
		t.Errorf("credentials: %v", got)
	}
	if got, ok := w.Cluster(clusterID); !ok || got.IssuerURL != "https://i" || !got.OIDCIssuerEnabled {
		t.Errorf("cluster: %+v", got)
	}
	if got := w.Linkers(clusterID); len(got) != 1 || got[0].Scope != "shop" {
		t.Errorf("linkers: %+v", got)
	}
	var keys struct{ PrimaryKey string }
	c := w.client(t, w.principal(t, "other"))
	if _, err := c.do(t.Context(), http.MethodPost, groupID+"/providers/Microsoft.Cache/redis/r/listKeys", "2024-03-01", &keys); err != nil || keys.PrimaryKey != "k" {
		t.Errorf("keys: %+v, %v", keys, err)
	}
}

func TestSeedThatIsWrong(t *testing.T) {
	for name, seed := range map[string]string{
		"an unknown field": "identites: []",
		"no resource id":   "clusters: [{resourceId: prod}]",
		"a list's id":      "clusters: [{resourceId: " + linkers + "}]",
		"not YAML":         "{",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := azure.ReadSeed([]byte(seed)); err == nil {
				t.Error("it was read")
			}
		})
	}
}
