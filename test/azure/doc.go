// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package azure stands in for one Azure cloud: Microsoft Entra ID and Azure
// Resource Manager (ARM), over TLS on loopback, from one listener. The product
// reaches it through the real azidentity and azcore pipelines.
//
// The contract:
//
//   - Cloud.URL is both the authority host and the endpoint of ARM. Cloud.CA
//     signs the certificate. There is no plaintext.
//   - Clients have to disable instance discovery, as in Azure's disconnected
//     clouds: the SDK asks Microsoft's own host about other authorities.
//   - What there is in the cloud is set by methods, at any time, from any
//     goroutine. Resource ids are compared without regard to case.
//   - Whoever has a token may do everything, until Deny.
//   - Fail lets requests fail, and Requests tells which were made. No secret,
//     token or body is kept of them.
//
// Faithful, as far as documents and recorded traffic tell:
//
//   - Client credentials with a secret or a federated assertion. The assertion is
//     verified: signature (RS256, ES256), times, issuer, subject and audience
//     against the identity's federated credentials. Errors have Entra's form and
//     numbers.
//   - Access tokens have an audience and an end. ARM refuses others.
//   - Federated credentials: one write at a time for each identity, 20 at most,
//     issuer and subject unique, names, and on request a lag until Entra knows.
//   - Managed clusters: a PUT is a long-running operation. The status URL has its
//     own api-version and a signature, and has to be used as given.
//   - Service Linker: explicit nulls, lower-case type, blanked credentials, pages.
//   - 401, 403, 404, 405 and the error envelope; request ids; api-versions.
//
// The SDK's fake servers decode and encode what Managed Identity and managed
// clusters exchange. Their page links and pollers are not used: those keep state
// by path, so that two clients would disturb each other, and look unlike Azure's.
//
// Not faithful:
//
//   - Access tokens are random words, where Azure's are JWTs. Instance discovery
//     knows this cloud alone.
//   - Keys of issuers are asked for each time; Entra keeps them for a while.
//   - Entra takes any audience that a credential names. Here it has to be the
//     exchange's as well.
//   - Of resources there are only those that were set; nothing makes identities,
//     clusters or linkers. What is kept of a cluster is what the SDK's model has.
//   - Roles are a list of what is denied. Nothing is cached and nothing lags.
//   - There is no throttling but by Fail, and no ETag, $filter or lock.
//   - The words of some errors are ours: names and numbers of federated
//     credentials, a status URL or a page that was made up.
//   - The operation of validateLinker finds everything in order, as on AKS.
package azure
