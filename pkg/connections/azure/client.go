// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/go-logr/logr"
)

// Client asks Azure Resource Manager.
type Client struct {
	config     Config
	credential azcore.TokenCredential
	options    *arm.ClientOptions
	arm        *arm.Client
}

// moduleName and moduleVersion name this client in the User-Agent, where a version
// has to be semantic; ours may be none, and comes before it.
const (
	moduleName    = "serviceconnector"
	moduleVersion = "v0.0.0"
	longestID     = 24
)

// New returns a client with the identity of this process.
func New(c Config, version string, log logr.Logger) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	options := policy.ClientOptions{
		Cloud: c.cloud(),
		// Two more tries, seconds apart, with jitter; Retry-After comes first.
		Telemetry: policy.TelemetryOptions{ApplicationID: applicationID(version)},
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Second, MaxRetryDelay: 30 * time.Second},
	}
	login := options // Entra ID is asked without the policies below
	credential, err := newRenewable(func() (azcore.TokenCredential, error) { return newCredential(c, login) })
	if err != nil {
		return nil, err
	}
	options.PerCallPolicies = []policy.Policy{runtime.NewRequestIDPolicy(), requestLog{log}, credential}
	options.PerRetryPolicies = []policy.Policy{newGovernor(time.Now, cmp.Or(c.TryTime, tryTime))}
	// Registering a resource provider is not ours to do.
	all := &arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true}
	client, err := arm.NewClient(moduleName, moduleVersion, credential, all)
	if err != nil {
		return nil, fmt.Errorf("making a client for Azure: %w", err)
	}
	return &Client{config: c, credential: credential, options: all, arm: client}, nil
}

// Cluster is the resource id of the cluster that is asked about.
func (c *Client) Cluster() string { return c.config.Cluster }

// Access is what a client of the SDK asks with as this one does: with its identity,
// and through its governor.
func (c *Client) Access() (azcore.TokenCredential, *arm.ClientOptions) {
	return c.credential, c.options
}

// applicationID is how Azure's logs name this program: short, and in one word.
func applicationID(version string) string {
	id := "service-connector/" + version
	return strings.Join(strings.Fields(id[:min(len(id), longestID)]), "-")
}

// call asks one URL below the resource manager's and decodes the answer.
func (c *Client) call(ctx context.Context, method, path, apiVersion string, into any) error {
	request, err := runtime.NewRequest(ctx, method, runtime.JoinPaths(c.arm.Endpoint(), path))
	if err != nil {
		return fmt.Errorf("building the request: %w", err)
	}
	query := request.Raw().URL.Query()
	query.Set("api-version", apiVersion)
	request.Raw().URL.RawQuery = query.Encode()
	return c.send(request, into)
}

func (c *Client) send(request *policy.Request, into any) error {
	request.Raw().Header.Set("Accept", "application/json")
	response, err := c.arm.Pipeline().Do(request)
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return runtime.NewResponseError(response)
	}
	return runtime.UnmarshalAsJSON(response, into)
}

// requestLog writes what Azure needs to find a request that failed.
type requestLog struct{ log logr.Logger }

// Do passes the request on.
func (l requestLog) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		l.log.Info("Azure refused", "method", request.Raw().Method, "path", request.Raw().URL.Path, "status", response.StatusCode,
			"requestID", response.Header.Get("x-ms-request-id"), "correlationID", response.Header.Get("x-ms-correlation-request-id"))
	}
	return response, err
}
