// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package importer tests the import from Azure: the real webhook with the rights of
// its service account on a real kube-apiserver, and Azure's own clients in it, which
// talk over TLS to the stand-in of package azure. The token that the webhook shows
// there is one that the API server issued.
//
// All tests share one control plane, one webhook and one cloud. Each has a namespace
// and linkers of its own; what fails for all is mended before a test ends.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/azure/world"
	"serviceconnector.dev/test/cluster"
	"serviceconnector.dev/test/product"
)

const (
	tenant   = world.Tenant
	audience = world.Audience
	// webhookID and appID are the client ids of the webhook's identity and of an
	// application's.
	webhookID = world.WebhookID
	appID     = "aaaaaaaa-0000-0000-0000-000000000000"

	group       = world.Group
	aks         = world.Cluster
	blob        = group + "Microsoft.Storage/storageAccounts/receipts/blobServices/default"
	account     = group + "Microsoft.Storage/storageAccounts/receipts"
	appIdentity = group + "Microsoft.ManagedIdentity/userAssignedIdentities/app"
	database    = group + "Microsoft.DBforPostgreSQL/flexibleServers/orders/databases/app"

	// interval is how often the webhook asks Azure here, and propagation how long a
	// federated credential takes to be known, and pods that need it wait.
	interval    = time.Second
	propagation = time.Second

	// extraNamespace is what the linker Every_Where serves beside its own.
	extraNamespace = "extra"
)

// The world that all tests share.
var (
	controlPlane *cluster.Cluster
	installed    *product.Product
	cloud        *azure.Cloud
	// authority is a file: who signs the cloud's certificate.
	authority string
	clients   kubernetes.Interface
	objects   client.Client
)

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if controlPlane, err = cluster.Start(ctx, cluster.Options{Audit: true}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	if err := connect(); err != nil {
		return 1, err
	}
	around, err := world.Open(ctx, controlPlane, world.Options{
		Interval: interval, Propagation: propagation, Serve: []string{"every_where=" + extraNamespace},
	})
	if err != nil {
		return 1, err
	}
	cloud, authority = around.Cloud, around.Authority
	defer cloud.Stop()
	cloud.AddIdentity(azure.Identity{ResourceID: appIdentity, ClientID: appID, PrincipalID: appID})
	if installed, err = around.Install(ctx); err != nil {
		return 1, err
	}
	if err := holdPod(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func connect() (err error) {
	config := controlPlane.Config()
	if clients, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	objects, err = client.New(config, client.Options{Scheme: scheme})
	return err
}
