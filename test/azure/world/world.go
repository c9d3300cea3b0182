// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

// What there is in every world.
const (
	// Tenant is the id of the cloud's tenant.
	Tenant = "99999999-0000-0000-0000-000000000000"
	// Group is where resource ids begin.
	Group = "/subscriptions/sub/resourceGroups/shop/providers/"
	// Cluster is the resource id that the cluster has in Azure.
	Cluster = Group + "Microsoft.ContainerService/managedClusters/shop"
	// WebhookID is the client id of the webhook's identity.
	WebhookID = "eeeeeeee-0000-0000-0000-000000000000"
	// Audience is that of tokens for Entra ID.
	Audience = "api://AzureADTokenExchange"

	identity = Group + "Microsoft.ManagedIdentity/userAssignedIdentities/service-connector"
)

// Options say how quick Azure and the webhook are.
type Options struct {
	// Interval is how often the webhook asks Azure.
	Interval time.Duration
	// Propagation is how long a federated credential takes to be known, and how long
	// pods that need it wait for that.
	Propagation time.Duration
	// Serve are the connections that serve more namespaces than their own, as
	// --azure-serve takes them.
	Serve []string
}

// World is a cluster and its Azure.
type World struct {
	// Cloud is Azure.
	Cloud *azure.Cloud
	// Issuer is that of the tokens of the cluster's service accounts.
	Issuer string

	options Options
	cluster *cluster.Cluster
	clients kubernetes.Interface
	// Authority is a file: who signs Azure's certificate. token is one with the token
	// of the webhook's service account.
	Authority, token string
}

// Open starts an Azure for a cluster that the product is not installed on yet. The
// cloud runs until it is stopped.
func Open(ctx context.Context, c *cluster.Cluster, o Options) (*World, error) {
	clients, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, err
	}
	w := &World{options: o, cluster: c, clients: clients,
		token: filepath.Join(c.Dir, "azure-token"), Authority: filepath.Join(c.Dir, "azure-ca.pem")}
	if w.Issuer, err = w.project(ctx); err != nil {
		return nil, fmt.Errorf("giving the webhook a token for Azure: %w", err)
	}
	if w.Cloud, err = azure.Start(azure.Options{TenantID: Tenant, Keys: w.keys}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.Authority, w.Cloud.CA, 0o600); err != nil {
		w.Cloud.Stop()
		return nil, err
	}
	w.Cloud.SetPropagation(o.Propagation)
	w.Cloud.AddCluster(azure.Cluster{ResourceID: Cluster})
	w.Cloud.AddIdentity(azure.Identity{ResourceID: identity, ClientID: WebhookID, PrincipalID: WebhookID})
	w.Cloud.AddCredential(identity, azure.FederatedCredential{Name: "webhook", Issuer: w.Issuer,
		Subject: "system:serviceaccount:" + product.Namespace + ":" + account, Audiences: []string{Audience}})
	return w, nil
}

// Install installs the product and waits until the webhook is ready.
func (w *World) Install(ctx context.Context) (*product.Product, error) {
	if err := w.allow(ctx); err != nil {
		return nil, fmt.Errorf("giving the webhook the rights of the import: %w", err)
	}
	args := []string{
		"--azure-cluster", Cluster, "--azure-authority-host", w.Cloud.URL, "--azure-resource-manager", w.Cloud.URL,
		"--azure-interval", w.options.Interval.String(), "--azure-federate", "--azure-propagation", w.options.Propagation.String(),
	}
	for _, serve := range w.options.Serve {
		args = append(args, "--azure-serve", serve)
	}
	return product.Start(ctx, w.cluster, product.Options{
		Args: args,
		Env: []string{
			"AZURE_CLIENT_ID=" + WebhookID, "AZURE_TENANT_ID=" + Tenant, "AZURE_FEDERATED_TOKEN_FILE=" + w.token,
			"SSL_CERT_FILE=" + w.Authority,
		},
	})
}
