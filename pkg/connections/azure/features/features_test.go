// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package features

import (
	"testing"

	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"github.com/google/go-cmp/cmp"
)

// decode makes a cluster of its properties in JSON.
func decode(t *testing.T, properties string) aks.ManagedCluster {
	t.Helper()
	var c aks.ManagedCluster
	if err := c.UnmarshalJSON([]byte(`{"location":"eastus","properties":` + properties + `}`)); err != nil {
		t.Fatal(err)
	}
	return c
}

// What is switched on is added, with what it needs; all else stays.
func TestEnable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names               []string
		before, after       string
		changed             []string
		issuer, pods, vault bool
	}{
		"workload identity needs the issuer": {[]string{WorkloadIdentity},
			`{}`, `{"oidcIssuerProfile":{"enabled":true},"securityProfile":{"workloadIdentity":{"enabled":true}}}`,
			[]string{OIDCIssuer, WorkloadIdentity}, true, true, false},
		"what is on stays as it is": {[]string{WorkloadIdentity, OIDCIssuer},
			`{"oidcIssuerProfile":{"enabled":true,"issuerURL":"https://issuer.example"},"securityProfile":{"workloadIdentity":{"enabled":true}}}`,
			`{"oidcIssuerProfile":{"enabled":true,"issuerURL":"https://issuer.example"},"securityProfile":{"workloadIdentity":{"enabled":true}}}`,
			nil, true, true, false},
		"other profiles and settings stay": {[]string{KeyVault, WorkloadIdentity},
			`{"kubernetesVersion":"1.33","oidcIssuerProfile":{"enabled":true},"securityProfile":{"imageCleaner":{"enabled":true}},
			  "addonProfiles":{"azurepolicy":{"enabled":true},"azureKeyvaultSecretsProvider":{"enabled":false,"config":{"rotationPollInterval":"5m"}}}}`,
			`{"kubernetesVersion":"1.33","oidcIssuerProfile":{"enabled":true},"securityProfile":{"imageCleaner":{"enabled":true},"workloadIdentity":{"enabled":true}},
			  "addonProfiles":{"azurepolicy":{"enabled":true},"azureKeyvaultSecretsProvider":{"enabled":true,"config":{"rotationPollInterval":"5m"}}}}`,
			[]string{WorkloadIdentity, KeyVault}, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := decode(t, c.before), decode(t, c.after)
			changed, err := enable(&got, c.names)
			if err != nil || !cmp.Equal(changed, c.changed) {
				t.Errorf("changed %v, %v, want %v", changed, err, c.changed)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the cluster (-want +got):\n%s", diff)
			}
			for n, on := range []bool{c.issuer, c.pods, c.vault} {
				if f := of(got)[n]; f.Enabled != on {
					t.Errorf("%s is on: %v", f.Name, f.Enabled)
				}
			}
		})
	}
}

func TestEnableRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := decode(t, `{}`)
	if _, err := enable(&c, []string{KeyVault, "everything"}); err == nil {
		t.Error("it did")
	}
	if diff := cmp.Diff(decode(t, `{}`), c); diff != "" {
		t.Errorf("and changed:\n%s", diff)
	}
}
