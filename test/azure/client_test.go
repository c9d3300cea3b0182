// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const linkerVersion = "2024-04-01"

// client is a generic one of ARM, for what the SDK has no client for.
type client struct {
	*arm.Client
	url string
}

func (w *world) client(t *testing.T, c azcore.TokenCredential, change ...func(*arm.ClientOptions)) *client {
	t.Helper()
	options := w.armOptions()
	for _, do := range change {
		do(options)
	}
	made, err := arm.NewClient("test", "v0.0.0", c, options)
	if err != nil {
		t.Fatal(err)
	}
	return &client{Client: made, url: w.URL}
}

// oneTry lets a client not try again.
func oneTry(o *arm.ClientOptions) { o.Retry.MaxRetries = -1 }

// do sends a request with a version, and decodes the answer into a document.
func (c *client) do(ctx context.Context, method, path, version string, into any) (*http.Response, error) {
	request, err := runtime.NewRequest(ctx, method, c.url+path)
	if err != nil {
		return nil, err
	}
	if version != "" {
		query := request.Raw().URL.Query()
		query.Set("api-version", version)
		request.Raw().URL.RawQuery = query.Encode()
	}
	return c.send(request, into)
}

// follow gets a URL as it is.
func (c *client) follow(ctx context.Context, url string, into any) (*http.Response, error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, url)
	if err != nil {
		return nil, err
	}
	return c.send(request, into)
}

func (c *client) send(request *policy.Request, into any) (*http.Response, error) {
	response, err := c.Pipeline().Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return response, runtime.NewResponseError(response)
	}
	if into == nil {
		_, err = runtime.Payload(response)
		return response, err
	}
	return response, runtime.UnmarshalAsJSON(response, into)
}
