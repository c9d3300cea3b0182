// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	storage = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/receipts/blobServices/default"
	account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/vision"
	flexes  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders/databases/app"
	client  = "aaaaaaaa-0000-0000-0000-000000000000"
	tenant  = "99999999-0000-0000-0000-000000000000"
)

// decode reads a linker as Azure writes it: what is unset is null.
func decode(t *testing.T, name, properties string) Linker {
	t.Helper()
	var l Linker
	if err := json.Unmarshal([]byte(`{"id": "/x/linkers/`+name+`", "name": "`+name+`", "properties": `+properties+`}`), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func identityOf(target string) string {
	return `{"targetService": {"type": "AzureResource", "id": "` + target + `", "resourceProperties": null}, "clientType": "python", "scope": "shop",
		"authInfo": {"authType": "userAssignedIdentity", "clientId": "` + client + `", "userName": null, "roles": null},
		"vNetSolution": {"type": null}, "configurationInfo": {"action": null, "customizedKeys": null}, "provisioningState": "Succeeded"}`
}

func TestImport(t *testing.T) {
	blob := v1alpha1.Target{Service: "storage-blob", ResourceID: storage, Cloud: "AzurePublic"}
	secret := func(name string) v1alpha1.Auth {
		return v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: name}}
	}
	for _, c := range []struct {
		name, properties string
		settings         []Configuration
		want             Imported
	}{
		{"my_Conn.1", identityOf(storage), []Configuration{
			{Name: "AZURE_STORAGEBLOB_RESOURCEENDPOINT", Value: "https://receipts.blob.core.windows.net/", ConfigType: "Default"},
			{Name: "AZURE_STORAGEBLOB_CLIENTID", Value: client},
			{Name: "EXTRA", Value: "constant"},
			{Name: "HIDDEN", Value: ""},
			{Name: "VAULT", Value: "https://v.vault.azure.net/secrets/s", ConfigType: "KeyVaultSecret"},
		}, Imported{Namespace: "shop", Name: "my-conn-1", Spec: v1alpha1.ConnectionSpec{
			Target: blob, Client: "python", SecretName: "sc-myconn1-secret",
			Auth:     v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: client}},
			Settings: []v1alpha1.Setting{{Name: "EXTRA", Value: new("constant")}},
		}}},
		{"keys", `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "authInfo": {"authType": "accessKey", "permissions": null},
			"configurationInfo": {"customizedKeys": {"AZURE_STORAGEBLOB_CONNECTIONSTRING": "BLOB", "GONE": "X"}}}`, nil,
			Imported{Namespace: "default", Name: "keys", Spec: v1alpha1.ConnectionSpec{
				Target: blob, Client: "none", SecretName: "sc-keys-secret", Auth: secret("sc-keys-credentials"),
				Rename: map[string]string{"AZURE_STORAGEBLOB_CONNECTIONSTRING": "BLOB"},
			}}},
		{"orders", `{"targetService": {"type": "AzureResource", "id": "` + flexes + `"}, "scope": "shop", "clientType": "go",
			"authInfo": {"authType": "secret", "name": "app", "secretInfo": {"secretType": "rawValue", "value": null}}}`, nil,
			Imported{Namespace: "shop", Name: "orders", Spec: v1alpha1.ConnectionSpec{
				Target: v1alpha1.Target{Service: "postgres-flexible", ResourceID: flexes, Cloud: "AzurePublic", Parameters: map[string]v1alpha1.Parameter{"user": "app"}},
				Client: "go", SecretName: "sc-orders-secret", Auth: secret("sc-orders-credentials"),
			}}},
		{"vision", identityOf(account), []Configuration{{Name: "AZURE_COGNITIVESERVICES_ENDPOINT"}, {Name: "AZURE_COGNITIVESERVICES_CLIENTID"}},
			Imported{Namespace: "shop", Name: "vision", Spec: v1alpha1.ConnectionSpec{
				Target: v1alpha1.Target{Service: "cognitive-services", ResourceID: account, Cloud: "AzurePublic"}, Client: "python", SecretName: "sc-vision-secret",
				Auth: v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: client}},
			}}},
		{"app", `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "clientType": "none",
			"authInfo": {"authType": "servicePrincipalSecret", "clientId": "` + client + `", "secret": null}}`, nil,
			Imported{Namespace: "default", Name: "app", Spec: v1alpha1.ConnectionSpec{
				Target: blob, Client: "none", SecretName: "sc-app-secret",
				Auth: v1alpha1.Auth{Type: v1alpha1.AuthServicePrincipal, SecretRef: &v1alpha1.SecretReference{Name: "sc-app-credentials"},
					ServicePrincipal: &v1alpha1.ServicePrincipal{ClientID: client, TenantID: tenant}},
			}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Linker = "/x/linkers/" + c.name
			got := Import(decode(t, c.name, c.properties), c.settings, tenant, "AzurePublic")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := connections.Bind(connections.Definition{Name: got.Name, Namespace: got.Namespace, Spec: got.Spec}); err != nil {
				t.Errorf("it cannot be bound: %v", err)
			}
		})
	}
}

// What cannot be a Connection says why, and what to do.
func TestNotImportable(t *testing.T) {
	for want, properties := range map[string]string{
		"write a Connection for it":         `{"targetService": {"type": "ConfluentBootstrapServer", "endpoint": "e"}, "authInfo": {"authType": "secret"}}`,
		"auth.type KeyVaultCSI":             `{"targetService": {"type": "AzureResource", "id": "/x", "resourceProperties": {"type": "KeyVault", "connectAsKubernetesCsiDriver": true}}}`,
		"service custom":                    `{"targetService": {"type": "AzureResource", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Unheard/of/x"}}`,
		"by systemAssignedIdentity":         `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "authInfo": {"authType": "systemAssignedIdentity"}}`,
		"no client id":                      `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "authInfo": {"authType": "userAssignedIdentity", "clientId": null}}`,
		"by nothing":                        `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "authInfo": null}`,
		"a target without a type":           `{}`,
		"\"cobol\" is not a client type":    `{"targetService": {"type": "AzureResource", "id": "` + storage + `"}, "clientType": "cobol", "authInfo": {"authType": "accessKey"}}`,
		"does not offer \"ServicePrincipal": `{"targetService": {"type": "AzureResource", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/fileServices/default"}, "authInfo": {"authType": "servicePrincipalSecret", "clientId": "` + client + `"}}`,
	} {
		got := Import(decode(t, "x", properties), nil, tenant, "AzurePublic")
		if got.Problem == nil || got.Problem.Reason != v1alpha1.ReasonNotImportable || !strings.Contains(got.Problem.Message, want) {
			t.Errorf("%s: %v, want %q", properties, got.Problem, want)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 60)
	for linker, want := range map[string]string{
		"storage_1": "storage-1", "A.b_C": "a-b-c", "_x_": "x", long: long[:43] + "-11ee3912",
	} {
		if got := ConnectionName(linker); got != want {
			t.Errorf("%s becomes %q, want %q", linker, got, want)
		}
	}
	for _, linker := range []string{"___", "", "a", long, strings.Repeat("_", 60), "Äb"} {
		if got := ConnectionName(linker); len(got) > longestName || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-ä") != "" || got == "" || got != strings.Trim(got, "-") {
			t.Errorf("%q becomes %q", linker, got)
		}
	}
	// Source: the names that Azure's labs show.
	if got := SecretName("servicebus_c50a2"); got != "sc-servicebusc50a2-secret" {
		t.Errorf("the Secret is %q", got)
	}
	if got := CredentialsName("a_B.c"); got != "sc-abc-credentials" {
		t.Errorf("the credentials are in %q", got)
	}
}
