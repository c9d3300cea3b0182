// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"serviceconnector.dev/test/azure"
)

func (w *world) clusters(t *testing.T) *aks.ManagedClustersClient {
	t.Helper()
	c, err := aks.NewManagedClustersClient(subscriptionID, w.principal(t, secret), w.armOptions())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// features reads the cluster and switches everything on in what it read.
func features(t *testing.T, c *aks.ManagedClustersClient) aks.ManagedCluster {
	t.Helper()
	got, err := c.Get(t.Context(), group, "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := got.Properties
	p.OidcIssuerProfile = &aks.ManagedClusterOIDCIssuerProfile{Enabled: new(true)}
	p.SecurityProfile = &aks.ManagedClusterSecurityProfile{WorkloadIdentity: &aks.ManagedClusterSecurityProfileWorkloadIdentity{Enabled: new(true)}}
	p.AddonProfiles = map[string]*aks.ManagedClusterAddonProfile{"azureKeyvaultSecretsProvider": {Enabled: new(true)}}
	return got.ManagedCluster
}

func TestClusterUpdate(t *testing.T) {
	w := newWorld(t)
	c := w.clusters(t)
	want := features(t, c)
	var response *http.Response
	poller, err := c.BeginCreateOrUpdate(policy.WithCaptureResponse(t.Context(), &response), group, "prod", want, nil)
	if err != nil {
		t.Fatal(err)
	}
	status := response.Header.Get("Azure-AsyncOperation")
	if !strings.Contains(status, "/locations/westeurope/operations/") || !strings.Contains(status, "api-version=2016-03-30") {
		t.Errorf("the status URL is %s", status)
	}
	during, _ := w.Cluster(clusterID)
	if during.State != "Updating" || !during.OIDCIssuerEnabled || during.IssuerURL != "" {
		t.Errorf("during the update: %+v", during)
	}
	_, err = c.BeginCreateOrUpdate(t.Context(), group, "prod", want, nil)
	wantError(t, err, http.StatusConflict, "OperationNotAllowed")

	polls := 0
	for ; !poller.Done(); polls++ {
		if _, err := poller.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	done, err := poller.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := done.Properties
	if polls != 3 || *p.ProvisioningState != "Succeeded" || *p.OidcIssuerProfile.IssuerURL != issuerURL {
		t.Errorf("after %d polls: %s, %+v", polls, *p.ProvisioningState, p.OidcIssuerProfile)
	}
	if id := p.AddonProfiles["azureKeyvaultSecretsProvider"].Identity; id == nil || *id.ClientID == "" {
		t.Error("the add-on has no identity")
	}
	if got, _ := w.Cluster(clusterID); !got.OIDCIssuerEnabled || !got.WorkloadIdentity || !got.KeyVaultAddon {
		t.Errorf("got %+v", got)
	}

	t.Run("the status URL is used as given, or not at all", func(t *testing.T) {
		g := w.client(t, w.principal(t, secret))
		var got struct{ Status string }
		if _, err := g.follow(t.Context(), status, &got); err != nil || got.Status != "Succeeded" {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err := g.follow(t.Context(), strings.Replace(status, "2016-03-30", "2025-02-01", 1), nil)
		wantError(t, err, http.StatusNotFound, "ResourceNotFound")
	})
	t.Run("its signature is not kept", func(t *testing.T) {
		for _, r := range w.Requests() {
			if r.Query.Has("s") {
				t.Errorf("got %+v", r)
			}
		}
	})
}

// Who comes back after a restart has no poller, and looks at the cluster.
func TestClusterUpdateSeenByGet(t *testing.T) {
	w := newWorld(t)
	w.SetUpdate(azure.Update{Polls: 1})
	c := w.clusters(t)
	if _, err := c.BeginCreateOrUpdate(t.Context(), group, "prod", features(t, c), nil); err != nil {
		t.Fatal(err)
	}
	var states []string
	for range 3 {
		got, err := c.Get(t.Context(), group, "prod", nil)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, *got.Properties.ProvisioningState)
	}
	if !slices.Equal(states, []string{"Updating", "Succeeded", "Succeeded"}) {
		t.Errorf("got %v", states)
	}
}

func TestClusterUpdateThatFails(t *testing.T) {
	w := newWorld(t)
	w.SetUpdate(azure.Update{Code: "VMExtensionProvisioningError", Message: "No."})
	c := w.clusters(t)
	poller, err := c.BeginCreateOrUpdate(t.Context(), group, "prod", features(t, c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := poller.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := poller.Result(t.Context()); err == nil || !strings.Contains(err.Error(), "VMExtensionProvisioningError") {
		t.Errorf("got %v", err)
	}
	if got, _ := w.Cluster(clusterID); got.State != "Failed" || got.OIDCIssuerEnabled {
		t.Errorf("got %+v", got)
	}
}

func TestClusterUpdateThatIsRefused(t *testing.T) {
	w := newWorld(t)
	c := w.clusters(t)
	for name, test := range map[string]struct {
		cluster string
		change  func(*aks.ManagedCluster)
		status  int
		code    string
	}{
		"no cluster":                          {"none", func(*aks.ManagedCluster) {}, 404, "ResourceNotFound"},
		"no location":                         {"prod", func(m *aks.ManagedCluster) { m.Location = nil }, 400, "LocationRequired"},
		"workload identity without an issuer": {"prod", func(m *aks.ManagedCluster) { m.Properties.OidcIssuerProfile = nil }, 400, "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			body := features(t, c)
			test.change(&body)
			_, err := c.BeginCreateOrUpdate(t.Context(), group, test.cluster, body, nil)
			wantError(t, err, test.status, test.code)
		})
	}
	t.Run("an issuer stays", func(t *testing.T) {
		w.AddCluster(azure.Cluster{ResourceID: clusterID, OIDCIssuerEnabled: true, IssuerURL: issuerURL})
		body := features(t, c)
		body.Properties.OidcIssuerProfile.Enabled = new(false)
		_, err := c.BeginCreateOrUpdate(t.Context(), group, "prod", body, nil)
		wantError(t, err, http.StatusBadRequest, "BadRequest")
	})
	_, err := c.Get(t.Context(), group, "none", nil)
	wantError(t, err, http.StatusNotFound, "ResourceNotFound")
}
