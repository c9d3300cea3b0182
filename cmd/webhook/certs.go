// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/certs"
)

// caSecret holds the certificate authority that all replicas share.
const caSecret = "service-connector-ca"

// newKeeper returns the keeper of the serving certificate, made out to the
// Service and to what --host adds.
func newKeeper(o options, clients kubernetes.Interface, log logr.Logger) *certs.Keeper {
	return certs.New(certs.Options{
		Secrets:        clients.CoreV1(),
		Configurations: clients.AdmissionregistrationV1(),
		Log:            log.WithName("certs"),
		Namespace:      o.namespace,
		Secret:         caSecret,
		Configuration:  o.configuration,
		Hosts:          append(certs.ServiceHosts(o.service, o.namespace), o.hosts...),
		Settle:         o.caSettle,
	})
}
