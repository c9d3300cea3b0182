// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"cmp"
	"time"

	"github.com/go-logr/logr"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Options say what a Keeper keeps and where.
type Options struct {
	// Secrets and Configurations are the API.
	Secrets        coreclient.SecretsGetter
	Configurations admissionclient.MutatingWebhookConfigurationsGetter
	// Log takes what is changed and what goes wrong, never a key. The zero
	// Logger is silent.
	Log logr.Logger

	// Namespace and Secret name the Secret of the authority.
	Namespace string
	Secret    string
	// Configuration names the MutatingWebhookConfiguration whose caBundle is
	// kept. Empty publishes nothing: what is to be trusted is then in the
	// Secret, under ca.crt, and counts as published when it is there.
	Configuration string
	// Hosts are the DNS names and IP addresses that the certificate is made out
	// to; see ServiceHosts. The first is the one that Check tries.
	Hosts []string

	// CALifetime is the life of an authority; 365 days when zero.
	CALifetime time.Duration
	// LeafLifetime is the life of the serving certificate, which is renewed
	// after two thirds of it; 24 hours when zero.
	LeafLifetime time.Duration
	// Settle is how long a new authority has to be seen in the live caBundle
	// before anything is signed with it; it must exceed the delay with which API
	// servers learn of a change, and Interval; one minute when zero.
	Settle time.Duration
	// Interval is the time between two passes; 10 seconds when zero. Whatever
	// somebody broke is repaired within it.
	Interval time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.CALifetime = cmp.Or(o.CALifetime, 365*24*time.Hour)
	o.LeafLifetime = cmp.Or(o.LeafLifetime, 24*time.Hour)
	o.Settle = cmp.Or(o.Settle, time.Minute)
	o.Interval = cmp.Or(o.Interval, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	return o
}

func (o Options) policy() policy { return policy{settle: o.Settle, leaf: o.LeafLifetime} }
