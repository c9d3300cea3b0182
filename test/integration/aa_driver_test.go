// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Without the CSI driver a vault's connection says what to install. It runs first
// (the file's name sees to it): other tests install the driver's kind.
func TestDriverMissing(t *testing.T) {
	s := newNamespace(t)
	s.connect("vault", vaultSpec())
	s.wantReady("vault", v1alpha1.ReasonDriverMissing)
	s.mustDeny(annotated("vault"), `connection "vault" is not ready: the cluster has no SecretProviderClass`, "switch on the AKS add-on azure-keyvault-secrets-provider")
}
