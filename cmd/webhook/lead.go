// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// leaseName is the name of the lease that the leading replica holds.
	leaseName = "service-connector"
	// leadAgain is how long a replica that lost its lease waits before it asks for
	// it again.
	leadAgain = 2 * time.Second
)

// leader runs what only one replica does. It has a manager of its own for every
// time that this replica leads: a lease that is lost ends that manager, and not
// the process, which goes on answering the API server.
type leader struct {
	// process is the manager of the process, whose cache and clients are shared.
	process   manager.Manager
	namespace string
	log       logr.Logger
	// ready reports whether what the controllers read has arrived.
	ready func() bool
	setup func(manager.Manager) error
	// leading is told whether this replica leads.
	leading func(bool)
}

// Start leads, whenever it may, until ctx ends.
func (l *leader) Start(ctx context.Context) error {
	if err := l.awaitCaches(ctx); err != nil {
		return nil //nolint:nilerr // ctx ended
	}
	for ctx.Err() == nil {
		if err := l.term(ctx); err != nil && ctx.Err() == nil {
			l.log.Info("does not lead any more", "reason", err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(leadAgain):
		}
	}
	return nil
}

// NeedLeaderElection says no: every replica asks.
func (*leader) NeedLeaderElection() bool { return false }

func (l *leader) awaitCaches(ctx context.Context) error {
	for !l.ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// term waits for the lease and runs the controllers until it is lost, or ctx ends.
func (l *leader) term(ctx context.Context) error {
	asked := rest.CopyConfig(l.process.GetConfig())
	asked.UserAgent = "service-connector-controller/" + version // an audit log shows who asked
	mgr, err := ctrl.NewManager(asked, ctrl.Options{
		Scheme:                        l.process.GetScheme(),
		Logger:                        l.log,
		NewCache:                      func(*rest.Config, cache.Options) (cache.Cache, error) { return running{l.process.GetCache()}, nil },
		MapperProvider:                func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return l.process.GetRESTMapper(), nil },
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:        "0",
		LeaderElection:                true,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       l.namespace,
		LeaderElectionReleaseOnCancel: true,
		// The names of controllers return with every term.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		return fmt.Errorf("making the leader's manager: %w", err)
	}
	if err := l.setup(mgr); err != nil {
		return err
	}
	err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		l.log.Info("leads")
		l.leading(true)
		<-ctx.Done()
		l.leading(false)
		return nil
	}))
	if err != nil {
		return fmt.Errorf("making the leader's manager: %w", err)
	}
	return mgr.Start(ctx)
}

// running is a cache that somebody else has started.
type running struct {
	cache.Cache
}

// Start does nothing until ctx ends.
func (running) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
