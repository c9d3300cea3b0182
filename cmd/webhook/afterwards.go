// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/controller"
	"serviceconnector.dev/pkg/connections/provision"
)

// afterwards is what comes after admission, in the replica that leads.
type afterwards struct {
	options options
	// source is nil where Azure is not asked.
	source      *azure.Client
	provisioner *provision.Provisioner
	index       *cluster.Index
	meter       *leaderMetrics
	clients     kubernetes.Interface
	metadata    metadata.Interface
}

// setup adds it to the manager of a term.
func (a *afterwards) setup(mgr manager.Manager) error {
	client, err := provisionClient(mgr.GetConfig(), mgr.GetRESTMapper())
	if err != nil {
		return err
	}
	o, keeper := a.options, a.provisioner.As(client)
	err = controller.Setup(mgr, controller.Options{
		Index: a.index, Renderer: keeper, Keeper: keeper, Meter: a.meter, Now: time.Now, Pace: o.pace,
		Namespaces: o.scanned(), ScanInterval: o.scan, Evict: o.evict, Roll: o.roll, Configuration: o.configuration,
	})
	if err != nil || a.source == nil {
		return err
	}
	return a.setupAzure(mgr)
}
