// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"

	"serviceconnector.dev/certs"
)

// caSecret holds the certificate authority that all replicas share.
const caSecret = "service-connector-ca"

// certificates keep the serving certificate.
type certificates interface {
	Run(context.Context) error
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	NotAfter() time.Time
	Check() error
}

// newCertificates returns the keeper of certificates of our own, made out to the
// Service and to what --host adds; or the follower of those that
// --certificate-secret holds.
func newCertificates(o options, clients kubernetes.Interface, log logr.Logger) certificates {
	settings := certs.Options{
		Secrets:        clients.CoreV1(),
		Configurations: clients.AdmissionregistrationV1(),
		Log:            log.WithName("certs"),
		Namespace:      o.namespace,
		Secret:         caSecret,
		Configuration:  o.configuration,
		Hosts:          append(certs.ServiceHosts(o.service, o.namespace), o.hosts...),
		LeafLifetime:   o.certificateLife,
		Settle:         o.caSettle,
	}
	if o.certificateSecret != "" {
		settings.Secret = o.certificateSecret
		return certs.NewFollower(settings)
	}
	return certs.New(settings)
}
