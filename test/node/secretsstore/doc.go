// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Command secretsstore stands in for the Secrets Store CSI driver and for its
// Azure Key Vault provider, under the driver's name secrets-store.csi.k8s.io.
// Neither is to be had as a Go module. What it shows about pods and
// SecretProviderClasses holds for the real ones as far as this list goes.
//
// As they do, it
//
//   - is a CSI node service that the kubelet finds by plugin registration, for
//     ephemeral inline volumes that are read-only;
//   - reads the SecretProviderClass that the volume names, in the pod's namespace
//     and nowhere else;
//   - demands the provider azure and the parameters keyvaultName, tenantID (or
//     tenantId) and objects, the latter a string of YAML in YAML;
//   - demands the pod's token for Entra where the parameter clientID is set;
//   - mounts a tmpfs with one file an object, named by its alias or its name, all
//     of them or none, and tells the kubelet in the provider's words what is
//     missing;
//   - makes the Secrets of secretObjects, labelled as managed and owned by the
//     pod's owner. An existing Secret keeps its content.
//
// Other than they, it
//
//   - has no vault: the content comes from the Secret fake-vault-<keyvaultName> in
//     the namespace kube-system, one key an object, whatever its type and version;
//   - does not check the identity: whoever names a vault may read it;
//   - makes the Secrets before it answers the kubelet, not a moment later;
//   - knows no rotation, no SecretProviderClassPodStatus, no objectFormat,
//     objectEncoding or filePermission, and does not split certificates.
package main
