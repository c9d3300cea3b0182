// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"net/http"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"
)

const (
	clusterProvider = "Microsoft.ContainerService"
	clusterType     = "managedClusters"
	// aksOperations is the version of the status URL.
	aksOperations = "2016-03-30"
)

// Update says how updates of clusters go from now on.
type Update struct {
	// Polls is how many looks at the operation or at the cluster find it under way.
	Polls int
	// Code and Message let updates fail at their end. The features asked for are
	// not switched on then.
	Code, Message string
	// Meanwhile has somebody else change each cluster just before its update is taken.
	Meanwhile bool
}

// SetUpdate sets how updates of clusters go. Without it: two polls, and success.
func (c *Cloud) SetUpdate(u Update) { c.change(func(s *state) { s.update = u }) }

type (
	clusterGot = aks.ManagedClustersClientGetResponse
	clusterPut = aks.ManagedClustersClientCreateOrUpdateResponse
)

// clusterServer has the functions of the SDK's fake server for one request.
type clusterServer struct {
	cloud *Cloud
	target
	// begun is the update that put began.
	begun *operation
}

// managedClusters answers with a cluster, or begins an update of it.
func (c *Cloud) managedClusters(r *http.Request, t target) answer {
	server, method := &fake.ManagedClustersServer{}, ""
	functions := &clusterServer{cloud: c, target: t}
	switch {
	case t.open():
		return notAllowed(r)
	case r.Method == http.MethodGet:
		method, server.Get = "Get", functions.get
	case r.Method == http.MethodPut:
		method, server.BeginCreateOrUpdate = "BeginCreateOrUpdate", functions.put
	default:
		return notAllowed(r)
	}
	a := through(fake.NewManagedClustersServerTransport(server), r, t.path(clusterProvider, clusterType), "ManagedClustersClient."+method)
	if functions.begun != nil {
		a = a.with("Azure-Asyncoperation", functions.begun.url)
	}
	return a
}

func (s *clusterServer) get(
	context.Context, string, string, *aks.ManagedClustersClientGetOptions,
) (ok azfake.Responder[clusterGot], bad azfake.ErrorResponder) {
	model, err := s.cloud.lookAtCluster(s.target)
	if err != nil {
		bad.SetError(err)
		return ok, bad
	}
	ok.SetResponse(http.StatusOK, clusterGot{ManagedCluster: model}, nil)
	return ok, bad
}

func (s *clusterServer) put(
	_ context.Context, _, _ string, body aks.ManagedCluster, o *aks.ManagedClustersClientBeginCreateOrUpdateOptions,
) (ok azfake.PollerResponder[clusterPut], bad azfake.ErrorResponder) {
	model, begun, err := s.cloud.updateCluster(s.target, body, value(value(o).IfMatch))
	if err != nil {
		bad.SetError(err)
		return ok, bad
	}
	s.begun = begun
	ok.SetTerminalResponse(http.StatusOK, clusterPut{ManagedCluster: model}, nil)
	return ok, bad
}

func (c *Cloud) lookAtCluster(t target) (aks.ManagedCluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.state.clusters[key(t.resource())]
	if !ok {
		return aks.ManagedCluster{}, refuse(notFound(t))
	}
	if found.update != nil {
		found.update.look(c.options.Now())
	}
	return found.shown(), nil
}

// shown returns a copy of the model that no update changes.
func (c *cluster) shown() aks.ManagedCluster {
	raw, err := c.model.MarshalJSON()
	if err != nil {
		return c.model
	}
	var clone aks.ManagedCluster
	if err := clone.UnmarshalJSON(raw); err != nil {
		return c.model
	}
	return clone
}

// updateCluster begins an update, if the cluster is still that of an ETag.
func (c *Cloud) updateCluster(t target, body aks.ManagedCluster, match string) (aks.ManagedCluster, *operation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.state.clusters[key(t.resource())]
	if !ok {
		return aks.ManagedCluster{}, nil, refuse(notFound(t))
	}
	if c.state.update.Meanwhile {
		found.model.ETag = new(newID())
	}
	if match != "" && match != value(found.model.ETag) {
		return aks.ManagedCluster{}, nil, refuse(failure(http.StatusPreconditionFailed, "PreconditionFailed",
			"The If-Match header does not match the current eTag of the managed cluster."))
	}
	if refusal := found.refuses(body); refusal != nil {
		return aks.ManagedCluster{}, nil, refuse(*refusal)
	}
	before, plan := found.shown(), c.state.update
	found.take(body)
	o := c.begin(beginning{
		subscription: t.segment("subscriptions"), location: value(found.model.Location), resource: t.resource(),
		provider: clusterProvider, word: "operations", version: aksOperations, polls: plan.Polls, running: "InProgress",
		end: func(o *operation) {
			if plan.Code == "" {
				found.settle(succeeded)
				return
			}
			o.fail(plan.Code, plan.Message)
			found.model = before
			found.settle(failed)
		},
	})
	found.update = o
	return found.shown(), o, nil
}

// refuses returns why an update is not taken.
func (c *cluster) refuses(body aks.ManagedCluster) *answer {
	bad := func(status int, code, message string) *answer { return new(failure(status, code, "%s", message)) }
	p := value(body.Properties)
	enabled := value(value(c.model.Properties.OidcIssuerProfile).Enabled)
	wanted := enabled
	if p.OidcIssuerProfile != nil && p.OidcIssuerProfile.Enabled != nil {
		wanted = *p.OidcIssuerProfile.Enabled
	}
	switch {
	case c.update != nil:
		return bad(http.StatusConflict, "OperationNotAllowed", "Operation is not allowed because there's an in progress update managed cluster operation on the managed cluster. "+
			"Please wait for it to finish before starting a new operation.")
	case value(body.Location) == "":
		return bad(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	case enabled && !wanted:
		return bad(http.StatusBadRequest, "BadRequest", "OIDC issuer feature cannot be disabled.")
	case !wanted && value(value(value(p.SecurityProfile).WorkloadIdentity).Enabled):
		return bad(http.StatusBadRequest, "BadRequest", "Enabling workload identity requires the OIDC issuer to be enabled.")
	}
	return nil
}

// take takes a body. Of the features, what it leaves out stays.
func (c *cluster) take(body aks.ManagedCluster) {
	was := c.model
	body.ID, body.Name, body.Type, body.Location = was.ID, was.Name, was.Type, was.Location
	if body.Properties == nil {
		body.Properties = &aks.ManagedClusterProperties{}
	}
	p := body.Properties
	if p.OidcIssuerProfile == nil {
		p.OidcIssuerProfile = was.Properties.OidcIssuerProfile
	} else {
		p.OidcIssuerProfile.IssuerURL = value(was.Properties.OidcIssuerProfile).IssuerURL
	}
	if p.SecurityProfile == nil {
		p.SecurityProfile = was.Properties.SecurityProfile
	}
	if p.AddonProfiles == nil {
		p.AddonProfiles = was.Properties.AddonProfiles
	}
	p.ProvisioningState = new("Updating")
	body.ETag = new(newID())
	c.model = body
}
