// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const group = "/subscriptions/s1/resourceGroups/g1/providers/"

func TestParseResourceID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		service, id string
		want        map[string]string
	}{
		"database": {
			"postgres-flexible", group + "Microsoft.DBforPostgreSQL/flexibleServers/orders/databases/Shop",
			map[string]string{"subscription": "s1", "resource_group": "g1", "server": "orders", "database": "Shop"},
		},
		"other case": {
			"storage-blob", "/SUBSCRIPTIONS/S1/resourcegroups/G1/Providers/microsoft.storage/STORAGEACCOUNTS/Receipts/blobservices/Default",
			map[string]string{"subscription": "S1", "resource_group": "G1", "account": "Receipts"},
		},
		"slash at its end": {
			"keyvault", group + "Microsoft.KeyVault/vaults/v1/",
			map[string]string{"subscription": "s1", "resource_group": "g1", "vault": "v1"},
		},
		"group named providers": {
			"keyvault", "/subscriptions/s1/resourceGroups/providers/providers/Microsoft.KeyVault/vaults/v1",
			map[string]string{"subscription": "s1", "resource_group": "providers", "vault": "v1"},
		},
		"outside of Azure": {
			"fabric-sql", "https://api.fabric.microsoft.com/v1/workspaces/w1/SqlDatabases/d1",
			map[string]string{"fabric_workspace_id": "w1", "fabric_database_uuid": "d1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseResourceID(test.service, test.id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseResourceIDRefuses(t *testing.T) {
	t.Parallel()
	blob := "; expected /subscriptions/{subscription}/resourceGroups/{resource_group}/providers/" +
		"Microsoft.Storage/storageAccounts/{account}/blobServices/default"
	tests := map[string]struct{ service, id, want string }{
		"another service": {
			"storage-blob", group + "Microsoft.Storage/storageAccounts/a1/queueServices/default",
			`it is of "Microsoft.Storage/storageAccounts/queueServices" (storage-queue), not of Microsoft.Storage/storageAccounts/blobServices` + blob,
		},
		"no service of ours": {"storage-blob", group + "Microsoft.Batch/batchAccounts/b1", `it is of "Microsoft.Batch/batchAccounts", not of `},
		"several services": {
			"storage-blob", group + "Microsoft.CognitiveServices/accounts/a1", `(ai-services, cognitive-services, openai), not of`,
		},
		"Azure for another": {
			"fabric-sql", group + "Microsoft.KeyVault/vaults/v1", `it is of "Microsoft.KeyVault/vaults" (keyvault), not of SQL database in Microsoft Fabric`,
		},
		"only its parent":    {"storage-blob", group + "Microsoft.Storage/storageAccounts/a1", "/blobServices/default is missing at its end" + blob},
		"only the group":     {"keyvault", "/subscriptions/s1/resourceGroups/g1", "/providers/Microsoft.KeyVault/vaults/{vault} is missing at its end"},
		"no name":            {"keyvault", group + "Microsoft.KeyVault/vaults", "/{vault} is missing at its end"},
		"empty":              {"keyvault", "", "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.KeyVault/vaults/{vault} is missing"},
		"an empty group":     {"keyvault", "/subscriptions/s1/resourceGroups//providers/Microsoft.KeyVault/vaults/v1", "{resource_group} is empty"},
		"no slash":           {"keyvault", "subscriptions/s1", "it does not begin with /subscriptions;"},
		"no group":           {"keyvault", "/subscriptions/s1/groups/g1/providers/Microsoft.KeyVault/vaults/v1", "begin with /subscriptions/{subscription}/resourceGroups;"},
		"not the default":    {"storage-blob", group + "Microsoft.Storage/storageAccounts/a1/blobServices/b1", "/blobServices/default;"},
		"too long":           {"keyvault", group + "Microsoft.KeyVault/vaults/v1/secrets/s1", `it is of "Microsoft.KeyVault/vaults/secrets", not of`},
		"goes on":            {"fabric-sql", "https://api.fabric.microsoft.com/v1/workspaces/w1/SqlDatabases/d1/x", "it goes on after {fabric_database_uuid}"},
		"no resource ids":    {"confluent-cloud", group + "Microsoft.Confluent/organizations/o1", "fit confluent-cloud: it has no resource ids; set the parameters"},
		"custom":             {"custom", group + "Microsoft.KeyVault/vaults/v1", "fit custom: it has no resource ids; set the parameters"},
		"unknown service":    {"nothing", group + "Microsoft.KeyVault/vaults/v1", "fit nothing: there is no such service"},
		"a credential in it": {"storage-blob", "AccountKey=hunter2/hunter2", "it does not begin with /subscriptions;"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters, err := ParseResourceID(test.service, test.id)
			var refused *ResourceIDError
			if !errors.As(err, &refused) || parameters != nil {
				t.Fatalf("got %v, error %v", parameters, err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// What a template makes, it must also read.
func TestResourceIDsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range Services() {
		want := map[string]string{}
		id, err := Render(s.ResourceID, func(name string) (string, bool) {
			want[name] = "the-" + name
			return want[name], true
		})
		if err != nil || id == "" {
			continue
		}
		got, err := ParseResourceID(s.Key, id)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", s.Key, err, diff)
		}
	}
}
