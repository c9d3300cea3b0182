// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/azure/importer"
	"serviceconnector.dev/pkg/connections/controller"
)

// newAzure returns what asks Azure, nil where no cluster of it is named.
func newAzure(o options, log logr.Logger) (*azure.Client, error) {
	if o.azure.Cluster == "" {
		return nil, nil
	}
	return azure.New(o.azure, version, log.WithName("azure"))
}

// setupImport adds the import from Azure to the leader's manager.
func setupImport(mgr manager.Manager, o options, source *azure.Client, leading *leaderMetrics) error {
	return importer.Setup(mgr, importer.Options{
		Source: source,
		Teller: controller.NewTeller(mgr.GetClient(), time.Now),
		Meter:  leading,
		Live:   mgr.GetAPIReader(),
		Tenant: os.Getenv("AZURE_TENANT_ID"),
		Cloud:  o.azure.Cloud,
		Every:  o.azureInterval,
		Home:   o.namespace,
		Serves: func(namespace string) bool {
			return len(o.namespaces) == 0 || slices.Contains(o.namespaces, namespace)
		},
	})
}
