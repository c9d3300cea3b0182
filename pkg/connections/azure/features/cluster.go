// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"serviceconnector.dev/pkg/connections/azure"
)

const (
	succeeded = "Succeeded"
	// firstLook and lastLook are the shortest and the longest time between two looks
	// at a change that goes on.
	firstLook = time.Second
	lastLook  = 15 * time.Second
)

// Cluster is a managed cluster as it was read.
type Cluster struct {
	client *aks.ManagedClustersClient
	id     *arm.ResourceID
	model  aks.ManagedCluster
}

// Read reads the cluster that a client asks about.
func Read(ctx context.Context, client *azure.Client) (*Cluster, error) {
	id, err := arm.ParseResourceID(client.Cluster())
	if err != nil {
		return nil, fmt.Errorf("%q is no resource id: %w", client.Cluster(), err)
	}
	credential, options := client.Access()
	clusters, err := aks.NewManagedClustersClient(id.SubscriptionID, credential, options)
	if err != nil {
		return nil, fmt.Errorf("making a client for clusters: %w", err)
	}
	c := &Cluster{client: clusters, id: id}
	return c, c.read(ctx)
}

func (c *Cluster) read(ctx context.Context) error {
	response, err := c.client.Get(ctx, c.id.ResourceGroupName, c.id.Name, nil)
	c.model = response.ManagedCluster
	return err
}

// Name is the cluster's name.
func (c *Cluster) Name() string { return c.id.Name }

// State is what the cluster is doing: Succeeded for nothing, or Updating, Failed, ...
func (c *Cluster) State() string { return value(value(c.model.Properties).ProvisioningState) }

// Features are the cluster's.
func (c *Cluster) Features() []Feature { return of(c.model) }

// Enable switches features on in what was read, with those that they need, and returns
// which were off. Write has it done.
func (c *Cluster) Enable(names []string) (changed []string, err error) {
	return enable(&c.model, names)
}

// Busy says that a cluster is being changed.
type Busy struct{ State string }

// Error implements error.
func (b *Busy) Error() string { return "the cluster is in state " + b.State }

// ErrChanged says that the cluster is not any more as it was read.
var ErrChanged = errors.New("somebody else changed the cluster just now")

// Write has Azure make the cluster as Enable left it, and reads it again. It tells
// progress at least every quarter of a minute until that is done, which takes minutes.
// What ends ctx does not end it in Azure.
func (c *Cluster) Write(ctx context.Context, progress func(state string, since time.Duration)) error {
	if state := c.State(); state != succeeded && state != "Failed" {
		return &Busy{state}
	}
	start := time.Now()
	poller, err := c.client.BeginCreateOrUpdate(ctx, c.id.ResourceGroupName, c.id.Name, c.model,
		&aks.ManagedClustersClientBeginCreateOrUpdateOptions{IfMatch: c.model.ETag})
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok && refused.StatusCode == http.StatusPreconditionFailed {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	for wait := firstLook; !poller.Done(); wait = min(2*wait, lastLook) {
		progress("Updating", time.Since(start))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if _, err := poller.Poll(ctx); err != nil {
			return err
		}
	}
	if _, err := poller.Result(ctx); err != nil {
		return err
	}
	return c.read(ctx)
}
