// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/test/azure"
)

const linkers = clusterID + "/providers/Microsoft.ServiceLinker/linkers"

func TestLinkerAsAzureShowsIt(t *testing.T) {
	w := newWorld(t)
	w.SetLinker(clusterID, azure.Linker{
		Name:   "redis_1",
		Target: map[string]any{"type": "AzureResource", "id": groupID + "/providers/Microsoft.Cache/redis/r/databases/0"},
		Auth: map[string]any{
			"authType": "secret", "name": "app",
			"secretInfo": map[string]any{"secretType": "rawValue", "value": "canary"},
		},
		ClientType: "go", Scope: "shop",
	})
	var got map[string]any
	if _, err := w.client(t, w.principal(t, secret)).do(t.Context(), http.MethodGet, linkers+"/redis_1", linkerVersion, &got); err != nil {
		t.Fatal(err)
	}
	const want = `{
		"id": "CLUSTER/providers/Microsoft.ServiceLinker/linkers/redis_1",
		"name": "redis_1", "type": "microsoft.servicelinker/linkers", "systemData": null,
		"properties": {
			"targetService": {"type": "AzureResource", "id": "GROUP/providers/Microsoft.Cache/redis/r/databases/0", "resourceProperties": null},
			"authInfo": {"authType": "secret", "authMode": null, "name": "app", "secretInfo": {"secretType": "rawValue", "value": null}},
			"clientType": "go", "scope": "shop", "provisioningState": "Succeeded",
			"secretStore": {"keyVaultId": null, "keyVaultSecretName": null},
			"vNetSolution": null, "publicNetworkSolution": null,
			"configurationInfo": {
				"action": null, "customizedKeys": null, "additionalConfigurations": null, "additionalConnectionStringProperties": null,
				"deleteOrUpdateBehavior": null, "configurationStore": {"appConfigurationId": null},
				"daprProperties": {"version": null, "componentType": null, "secretStoreComponent": null, "metadata": null,
					"scopes": null, "runtimeVersion": null, "bindingComponentDirection": null}
			}
		}
	}`
	if diff := cmp.Diff(decode(t, want), got); diff != "" {
		t.Error(diff)
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(strings.NewReplacer("CLUSTER", clusterID, "GROUP", groupID).Replace(text)), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// linkerPage is an answer of a list.
type linkerPage struct {
	Value    []struct{ Name string }
	NextLink *string
}

func TestPagesOfLinkers(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf("conn_%02d", i))
		w.SetLinker(clusterID, azure.Linker{Name: want[i]})
	}
	c := w.client(t, w.principal(t, secret))
	read := func(link string) linkerPage {
		t.Helper()
		var p linkerPage
		if _, err := c.follow(t.Context(), link, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	link := w.URL + linkers + "?api-version=" + linkerVersion
	var got []string
	var sizes []int
	for next := &link; next != nil; {
		p := read(*next)
		for _, one := range p.Value {
			got = append(got, one.Name)
		}
		sizes, next = append(sizes, len(p.Value)), p.NextLink
		// One that was listed goes away, and the pages do not shift.
		w.RemoveLinker(clusterID, got[0])
	}
	if !slices.Equal(got, want) || !slices.Equal(sizes, []int{25, 25, 10}) {
		t.Errorf("got pages of %v: %v", sizes, got)
	}

	t.Run("a link is opaque and cannot be made up", func(t *testing.T) {
		parsed, err := url.Parse(*read(link).NextLink)
		if err != nil {
			t.Fatal(err)
		}
		query := parsed.Query()
		if token := query.Get("$skipToken"); token == "" || strings.Contains(token, "conn") {
			t.Errorf("the token is %q", token)
		}
		query.Set("$skipToken", "25")
		parsed.RawQuery = query.Encode()
		_, err = c.follow(t.Context(), parsed.String(), nil)
		wantError(t, err, http.StatusBadRequest, "InvalidSkipToken")
	})
	t.Run("the size can be set", func(t *testing.T) {
		w.SetPageSize(7)
		if p := read(link); len(p.Value) != 7 {
			t.Errorf("got %d", len(p.Value))
		}
	})
	t.Run("an empty list has no link", func(t *testing.T) {
		const other = clusterID + "-2"
		w.AddCluster(azure.Cluster{ResourceID: other})
		p := read(strings.Replace(link, clusterID, other, 1))
		if p.Value == nil || len(p.Value) > 0 || p.NextLink != nil {
			t.Errorf("got %+v", p)
		}
	})
}

// Clients that list at once do not disturb each other, nor does what changes.
func TestListsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.SetPageSize(3)
	for i := range 10 {
		w.SetLinker(clusterID, azure.Linker{Name: fmt.Sprintf("conn_%d", i)})
	}
	c, f := w.client(t, w.principal(t, secret)), w.credentials(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			seen, link := 0, w.URL+linkers+"?api-version="+linkerVersion
			for next := &link; next != nil; {
				var p linkerPage
				if _, err := c.follow(t.Context(), *next, &p); err != nil {
					t.Error(err)
					return
				}
				seen, next = seen+len(p.Value), p.NextLink
				w.SetLinker(clusterID, azure.Linker{Name: fmt.Sprintf("conn_%d", i), Scope: "changed"})
				w.AddCredential(identityID, azure.FederatedCredential{Name: fmt.Sprintf("cred-%d", i)})
			}
			if seen != 10 {
				t.Errorf("%d of 10 linkers", seen)
			}
		})
	}
	group.Wait()
	if got, pages := f.names(t); len(got) != 9 || pages != 3 {
		t.Errorf("%d pages of credentials: %v", pages, got)
	}
}

func TestConfigurations(t *testing.T) {
	w := newWorld(t)
	shown, hidden := false, true
	w.SetLinker(clusterID, azure.Linker{
		Name: "keys", Auth: map[string]any{"authType": "accessKey"},
		Configurations: []azure.Configuration{
			{Name: "AZURE_STORAGEBLOB_CONNECTIONSTRING", Value: "canary"},
			{Name: "spring.data.redis.password", Value: "canary"},
			{Name: "AZURE_REDIS_DATABASE", Value: "0"},
			{Name: "AZURE_X", Value: "canary", Secret: &hidden},
			{Name: "AZURE_KEY", Value: "shown", Secret: &shown},
			{Name: "AZURE_COSMOS_KEY", Value: "https://v/secrets/s", ConfigType: "KeyVaultSecret"},
		},
	})
	w.SetLinker(clusterID, azure.Linker{
		Name: "identity", Auth: map[string]any{"authType": "userAssignedIdentity"},
		Configurations: []azure.Configuration{{Name: "AZURE_SQL_CONNECTIONSTRING", Value: "Authentication=ActiveDirectoryManagedIdentity"}},
	})
	c := w.client(t, w.principal(t, secret))
	values := func(linker, version string) (got []map[string]any) {
		t.Helper()
		var answer struct{ Configurations []map[string]any }
		if _, err := c.do(t.Context(), http.MethodPost, linkers+"/"+linker+"/listConfigurations", version, &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Configurations
	}
	var got []any
	for _, one := range values("keys", linkerVersion) {
		got = append(got, one["value"])
	}
	if diff := cmp.Diff([]any{"", "", "0", "", "shown", "https://v/secrets/s"}, got); diff != "" {
		t.Error(diff)
	}
	want := []map[string]any{{
		"name": "AZURE_SQL_CONNECTIONSTRING", "value": "Authentication=ActiveDirectoryManagedIdentity",
		"configType": "Default", "keyVaultReferenceIdentity": nil, "description": "",
	}}
	if diff := cmp.Diff(want, values("identity", linkerVersion)); diff != "" {
		t.Error(diff)
	}
	if old := values("identity", "2022-05-01")[0]; len(old) != 2 {
		t.Errorf("the old version has more than name and value: %v", old)
	}
}

func TestValidate(t *testing.T) {
	w := newWorld(t)
	w.SetLinker(clusterID, azure.Linker{Name: "one", Auth: map[string]any{"authType": "accessKey"}})
	c := w.client(t, w.principal(t, secret))
	response, err := c.do(t.Context(), http.MethodPost, linkers+"/one/validateLinker", linkerVersion, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	status := response.Header.Get("Azure-AsyncOperation")
	if response.StatusCode != http.StatusAccepted || string(body) != "null" || status == "" || response.Header.Get("Location") != status {
		t.Fatalf("got %d %s %v", response.StatusCode, body, response.Header)
	}
	var states []string
	var got struct {
		Status     string
		Properties struct{ IsConnectionAvailable bool }
	}
	for range 2 {
		if _, err := c.follow(t.Context(), status, &got); err != nil {
			t.Fatal(err)
		}
		states = append(states, got.Status)
	}
	if !slices.Equal(states, []string{"Accepted", "Succeeded"}) || !got.Properties.IsConnectionAvailable {
		t.Errorf("got %v, %+v", states, got)
	}
}

func TestLinkersThatAreNot(t *testing.T) {
	w := newWorld(t)
	w.SetLinker(clusterID, azure.Linker{Name: "one"})
	c := w.client(t, w.principal(t, secret))
	for name, test := range map[string]struct {
		method, path, version string
		status                int
		code                  string
	}{
		"no such linker":   {http.MethodGet, linkers + "/none", linkerVersion, 404, "ResourceNotFound"},
		"no such cluster":  {http.MethodGet, strings.Replace(linkers, "prod", "none", 1), linkerVersion, 404, "ParentResourceNotFound"},
		"no such path":     {http.MethodGet, "/subscriptions/" + subscriptionID, linkerVersion, 404, "ResourceNotFound"},
		"no such provider": {http.MethodGet, groupID + "/providers/Microsoft.Nothing/things/a", linkerVersion, 404, "ResourceNotFound"},
		"no version":       {http.MethodGet, linkers, "", 400, "MissingApiVersionParameter"},
		"a wrong version":  {http.MethodGet, linkers, "2020-01-01", 400, "InvalidApiVersionParameter"},
		"an action by GET": {http.MethodGet, linkers + "/one/listConfigurations", linkerVersion, 405, "MethodNotAllowed"},
		"an operation":     {http.MethodGet, "/subscriptions/" + subscriptionID + "/providers/Microsoft.ServiceLinker/locations/eastus/operationStatuses/x", "2021-01-01-privatepreview", 404, "ResourceNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.do(t.Context(), test.method, test.path, test.version, nil)
			wantError(t, err, test.status, test.code)
		})
	}
}
