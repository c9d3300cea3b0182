// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShippedIsTheManifest(t *testing.T) {
	manifest, err := os.ReadFile("../../../manifests/config/webhook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(manifest), string(shippedManifest)); diff != "" {
		t.Errorf("copy manifests/config/webhook.yaml to shipped.yaml:\n%s", diff)
	}
	if n := len(shippedConfiguration().Webhooks); n != 3 {
		t.Errorf("the shipped configuration has %d webhooks, want 3", n)
	}
}
