// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate/admission"
)

// serve wires the product together and runs it until ctx ends.
func serve(ctx context.Context, o options, log logr.Logger) error {
	crlog.SetLogger(log)
	klog.SetLogger(log)
	config, err := clientConfig(o)
	if err != nil {
		return err
	}
	traces, err := startTracing(ctx, o.tracing)
	if err != nil {
		return err
	}
	defer traces.stop()
	config.Wrap(traces.transport)
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := awaitAPI(ctx, clients.Discovery(), log); err != nil {
		return err
	}
	source, err := newAzure(o, log)
	if err != nil {
		return err
	}
	keeper := newCertificates(o, clients, log)
	mux := http.NewServeMux()
	mgr, err := newManager(o, config, keeper, mux, log)
	if err != nil {
		return err
	}
	index := cluster.NewIndex(time.Now)
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	synced, err := feed(ctx, mgr, index, metadataClient, o.namespaces)
	if err != nil {
		return err
	}
	meter, leading := newMetrics(crmetrics.Registry, keeper.NotAfter), newLeaderMetrics(crmetrics.Registry)
	client, err := provisionClient(config, mgr.GetRESTMapper())
	if err != nil {
		return err
	}
	provisioner := provision.New(client, index, meter, log.WithName("provision"), o.namespace, time.Now)
	pods := &admission.Pods{Directory: &cluster.Directory{Index: index, Live: mgr.GetAPIReader()}, Provisioner: provisioner, Inspector: provisioner}
	if o.azureFederate {
		pods.Waits = index.Waits
	}
	leaving := &drain{}
	register(mux, leaving, traces, meter, log.WithName("admission"), map[string]admission.Decider{
		"pods":      pods,
		"workloads": &admission.Workloads{Pods: pods},
	})
	lead := &leader{
		process: mgr, namespace: o.namespace, log: log.WithName("leader"), ready: synced, leading: leading.Leading,
		setup: (&afterwards{o, source, provisioner, index, leading, clients, metadataClient}).setup,
	}
	if err := errors.Join(
		mgr.Add(lead),
		mgr.Add(everyReplica{keeper.Run}),
		mgr.Add(everyReplica{limitMemory(synced)}),
		mgr.AddHealthzCheck("ping", func(*http.Request) error { return nil }),
		mgr.AddReadyzCheck("caches", readyWhen(synced)),
		mgr.AddReadyzCheck("serving", leaving.Check),
		mgr.AddReadyzCheck("certificate", func(*http.Request) error { return keeper.Check() }),
	); err != nil {
		return fmt.Errorf("wiring: %w", err)
	}
	log.Info("starting", "version", version, "listen", o.listen)
	return mgr.Start(leaving.after(ctx, o.drain))
}

// feed has the manager keep the index up to date. synced reports whether all that
// existed at the start has arrived.
func feed(ctx context.Context, mgr manager.Manager, index *cluster.Index, client metadata.Interface, namespaces []string) (synced func() bool, err error) {
	metadata := cluster.NewFeed(index, client, mgr.GetRESTMapper(), namespaces)
	connections, err := index.Watch(ctx, mgr.GetCache())
	if err != nil {
		return nil, err
	}
	return func() bool { return connections() && metadata.Synced() }, mgr.Add(everyReplica{metadata.Run})
}

// clientConfig returns the configuration of the API clients. There is no rate
// limit on our side: a client that waits makes pods wait. What is written at
// the same time is bounded where it is written.
func clientConfig(o options) (*rest.Config, error) {
	loader := &clientcmd.ClientConfigLoadingRules{ExplicitPath: o.kubeconfig}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loader, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w; give --kubeconfig outside of a cluster", err)
	}
	config.QPS = -1
	config.UserAgent = "service-connector/" + version
	return config, nil
}

// provisionClient returns what provisioning asks the API with.
func provisionClient(config *rest.Config, mapper meta.RESTMapper) (provision.Client, error) {
	binary := rest.CopyConfig(config)
	binary.ContentType, binary.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	core, err := corev1client.NewForConfig(binary)
	if err != nil {
		return provision.Client{}, fmt.Errorf("making a client: %w", err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return provision.Client{}, fmt.Errorf("making a client: %w", err)
	}
	return provision.Client{Core: core, Dynamic: objects, Mapper: mapper}, nil
}

// awaitAPI waits for the API server: a process that ended instead would be
// started again later and later, and be away when the API server is back.
func awaitAPI(ctx context.Context, api discovery.ServerVersionInterface, log logr.Logger) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := api.ServerVersion()
		if err == nil {
			return nil
		}
		log.Info("waiting for the API server", "reason", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func newManager(o options, config *rest.Config, keeper certificates, mux *http.ServeMux, log logr.Logger) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	host, port, err := o.listenAddress()
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Logger:                 log,
		Cache:                  cluster.CacheOptions(o.namespaces),
		Metrics:                metricsserver.Options{BindAddress: o.metrics},
		HealthProbeBindAddress: o.health,
		// Not here: a lost lease would end the process, and admission with it,
		// just when the API server is in trouble. See lead.go.
		LeaderElection: false,
		WebhookServer: webhook.NewServer(webhook.Options{
			Host:    host,
			Port:    port,
			TLSOpts: []func(*tls.Config){serveTLS(keeper)},
			// Its Register would wrap each handler in metrics that say less than ours.
			WebhookMux: mux,
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	_ = mgr.GetWebhookServer() // with which the manager starts it
	return mgr, nil
}

// serveTLS offers HTTP/1.1 alone: the API server speaks nothing else to a
// Service, and HTTP/2 would let any pod open streams without end.
func serveTLS(keeper certificates) func(*tls.Config) {
	return func(config *tls.Config) {
		config.MinVersion = tls.VersionTLS12
		config.NextProtos = []string{"http/1.1"}
		config.GetCertificate = keeper.GetCertificate
	}
}

// register serves each decider below /mutate-<name>.
func register(mux *http.ServeMux, leaving *drain, traces *tracing, meter *metrics, log logr.Logger, deciders map[string]admission.Decider) {
	for name, decider := range deciders {
		endpoint := &admission.Endpoint{Name: name, Decider: decider, Observer: traces.observer(meter), Log: log}
		mux.Handle("/mutate-"+name, leaving.handler(traces.handler("mutate-"+name, endpoint)))
	}
}

func readyWhen(synced func() bool) func(*http.Request) error {
	return func(*http.Request) error {
		if !synced() {
			return errors.New("the caches have not seen all of the cluster yet")
		}
		return nil
	}
}

// everyReplica runs a function in every replica, leader or not.
type everyReplica struct {
	run func(context.Context) error
}

// Start runs the function.
func (e everyReplica) Start(ctx context.Context) error { return e.run(ctx) }

// NeedLeaderElection says no.
func (everyReplica) NeedLeaderElection() bool { return false }
