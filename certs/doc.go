// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package certs keeps the webhook's serving certificate: no files, no restarts,
// no failed handshake while anything is exchanged.
//
//	keeper := certs.New(certs.Options{
//		Secrets:        clients.CoreV1(),
//		Configurations: clients.AdmissionregistrationV1(),
//		Namespace:      "sc-system",
//		Secret:         "service-connector-ca",
//		Configuration:  "admission.serviceconnector.dev",
//		Hosts:          certs.ServiceHosts("service-connector", "sc-system"),
//	})
//	go keeper.Run(ctx)
//	config := &tls.Config{GetCertificate: keeper.GetCertificate}
//
// One certificate authority lives in a Secret that all replicas share. Each
// replica signs a short-lived certificate of its own, the leaf, and keeps it in
// memory. The authority's certificate is published as the caBundle of every
// webhook in one MutatingWebhookConfiguration, under the field owner FieldOwner,
// which owns caBundle and nothing else. Leave caBundle out of manifests.
//
// # Exchange
//
// A new authority is made when the current one has lived two thirds of its
// life, when somebody asks for it, or when the Secret is gone or unusable:
//
//	kubectl -n sc-system annotate secret service-connector-ca serviceconnector.dev/rotate=now
//
// From then on the Secret and the caBundle hold the new authority and the one
// before. A replica goes on serving under the earlier one until it has seen the
// new one in the live caBundle for Options.Settle, because API servers, of
// which there may be several, learn of a caBundle with a delay. The earlier one
// leaves when Settle and the life of a leaf have passed, or when it expires.
// Where nothing was there before, the first authority is used at once. While
// eight authorities are trusted, a request for another waits.
//
// Each pass reads the Secret and the configuration live, decides (plan.go, pure
// functions), writes what differs and renews the leaf:
//
//   - Replicas race by Create and by Update with the resource version; who loses
//     reads again. All end with the same authority.
//   - A replica whose own authority is missing from the Secret puts it back as
//     an earlier one. So a deleted Secret breaks nobody: the next replica makes a
//     new authority and keeps what it and the caBundle knew of the old.
//   - A caBundle that anybody changed or emptied is repaired. Certificates that
//     are not in the Secret are not kept in it.
//   - The configuration is read before the Secret, and patched with its resource
//     version, so that no replica can publish less than another has published.
//
// To drop an earlier authority at once, say because its key leaked: scale to
// zero, delete the Secret, empty the caBundle, scale up.
//
// # The Secret
//
// Its type is kubernetes.io/tls, so that people and tools find the current pair
// where they look for one; that type allows more keys beside it:
//
//	tls.crt, tls.key            the current authority
//	ca.crt                      what is published: the current and the earlier ones
//	previous.crt, previous.key  the earlier ones, while they are trusted
//
// The Secret is this package's own; what does not belong there is replaced. An
// existing Secret of another type keeps it, a type cannot be changed.
//
// # Rights
//
// secrets: create, and get and update of the one; mutatingwebhookconfigurations:
// get and patch of the one. No list, no watch.
//
// # Somebody else's certificate
//
// A Follower serves what cert-manager issues into a Secret, and leaves the
// caBundle to cainjector. Its rights are get of the two.
package certs
