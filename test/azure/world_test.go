// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"serviceconnector.dev/test/azure"
)

const (
	tenantID       = "11111111-1111-4111-8111-111111111111"
	subscriptionID = "22222222-2222-4222-8222-222222222222"
	clientID       = "33333333-3333-4333-8333-333333333333"
	objectID       = "44444444-4444-4444-8444-444444444444"
	principalID    = "55555555-5555-4555-8555-555555555555"
	secret         = "canary-of-a-client-secret"

	group      = "shop"
	groupID    = "/subscriptions/" + subscriptionID + "/resourceGroups/" + group
	identityID = groupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"
	clusterID  = groupID + "/providers/Microsoft.ContainerService/managedClusters/prod"
	issuerURL  = "https://oidc.example/" + tenantID + "/"
	subject    = "system:serviceaccount:sc-system:service-connector"
	audience   = "api://AzureADTokenExchange"
)

// world is a cloud with one of each, and what clients of it need.
type world struct {
	*azure.Cloud
	issuer *issuer
	http   *http.Client
}

func newWorld(t *testing.T, change ...func(*azure.Options)) *world {
	t.Helper()
	keys := newIssuer(t)
	o := azure.Options{TenantID: tenantID, Keys: keys.jwks}
	for _, do := range change {
		do(&o)
	}
	c, err := azure.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	c.AddIdentity(azure.Identity{ResourceID: identityID, ClientID: clientID, PrincipalID: objectID})
	c.AddCredential(identityID, azure.FederatedCredential{
		Name: "ours", Issuer: issuerURL, Subject: subject, Audiences: []string{audience},
	})
	c.AddPrincipal(azure.Principal{ClientID: principalID, Secret: secret})
	c.AddCluster(azure.Cluster{ResourceID: clusterID, Location: "westeurope", IssuerURL: issuerURL})
	return &world{Cloud: c, issuer: keys, http: trusting(t, c.CA)}
}

func trusting(t *testing.T, ca []byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the CA is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// options are those of the SDK's clients.
func (w *world) options() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: w.URL + "/",
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: w.URL, Audience: "https://management.core.windows.net/"},
			},
		},
		Transport: w.http,
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond, MaxRetryDelay: 5 * time.Second},
	}
}

func (w *world) armOptions() *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: w.options(), DisableRPRegistration: true}
}

// workload returns the credential of a pod with an assertion.
func (w *world) workload(t *testing.T, assertion string) azcore.TokenCredential {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(assertion), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: w.options(), ClientID: clientID, TenantID: tenantID, TokenFilePath: file, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// principal returns the credential of a service principal.
func (w *world) principal(t *testing.T, secret string) azcore.TokenCredential {
	t.Helper()
	c, err := azidentity.NewClientSecretCredential(tenantID, principalID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: w.options(), DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) token(ctx context.Context, c azcore.TokenCredential) error {
	_, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://management.core.windows.net//.default"}})
	return err
}

// sent returns how many requests of a half of the cloud there were.
func (w *world) sent(host string) int {
	n := 0
	for _, r := range w.Requests() {
		if r.Host == host && r.Method != "" {
			n++
		}
	}
	return n
}

// wantError checks status and code of an error of ARM.
func wantError(t *testing.T, err error, status int, code string) {
	t.Helper()
	failed, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok || failed.StatusCode != status || failed.ErrorCode != code {
		t.Fatalf("want %d %s, got %v", status, code, err)
	}
	if failed.RawResponse.Header.Get("X-Ms-Request-Id") == "" || failed.RawResponse.Header.Get("X-Ms-Correlation-Request-Id") == "" {
		t.Error("the answer has no request ids")
	}
}
