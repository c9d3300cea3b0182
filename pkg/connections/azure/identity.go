// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newCredential returns the identity of this process: workload identity where
// azure-workload-identity has set it up, else whatever azidentity's default chain
// finds, a managed identity or a developer's login.
func newCredential(c Config, options policy.ClientOptions) (azcore.TokenCredential, error) {
	if os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "" {
		credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: c.own(),
		})
		if err != nil {
			return nil, fmt.Errorf("setting up workload identity: %w", err)
		}
		return credential, nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: c.own(),
	})
	if err != nil {
		return nil, fmt.Errorf("finding an identity for Azure: %w", err)
	}
	return credential, nil
}

// renewable is an identity that forgets its token when Azure refuses that: azidentity
// gives the same one out again until shortly before its end.
type renewable struct {
	fresh func() (azcore.TokenCredential, error)

	mu      sync.Mutex
	current azcore.TokenCredential
}

func newRenewable(fresh func() (azcore.TokenCredential, error)) (*renewable, error) {
	current, err := fresh()
	return &renewable{fresh: fresh, current: current}, err
}

// GetToken implements azcore.TokenCredential.
func (r *renewable) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	r.mu.Lock()
	current := r.current
	r.mu.Unlock()
	return current.GetToken(ctx, options)
}

// Do sends a request, and once more with another token where Azure refuses the first.
func (r *renewable) Do(request *policy.Request) (*http.Response, error) {
	ctx := request.Raw().Context()
	response, err := request.Clone(ctx).Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	fresh, err := r.fresh()
	if err != nil {
		return response, nil //nolint:nilerr // Azure's refusal says more
	}
	r.mu.Lock()
	r.current = fresh
	r.mu.Unlock()
	runtime.Drain(response)
	if err := request.RewindBody(); err != nil {
		return nil, fmt.Errorf("sending the request again: %w", err)
	}
	return request.Clone(ctx).Next()
}
