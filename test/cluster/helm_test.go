// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The real helm is run where make builds it: see test/e2e.
func TestHelm(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "helm3")
	script := "#!/bin/sh\n[ \"$1\" = fail ] && { echo no such release >&2; exit 1; }\necho \"$*\" && env | grep -E '^(HELM_|KUBECONFIG)' | sort\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HELM_KUBETOKEN", "somebody else's")
	t.Setenv("KUBECONFIG", "somebody else's")
	c := &Cluster{Dir: dir, Kubeconfig: filepath.Join(dir, "admin.kubeconfig")}
	got, err := c.Helm(t.Context(), path, "list", "-A")
	want := "list -A\nHELM_CACHE_HOME=DIR/helm/cache\nHELM_CONFIG_HOME=DIR/helm/config\nHELM_DATA_HOME=DIR/helm/data\nKUBECONFIG=DIR/admin.kubeconfig\n"
	if got = strings.ReplaceAll(got, dir, "DIR"); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := c.Helm(t.Context(), path, "fail"); err == nil || err.Error() != "helm3 fail: exit status 1: no such release" {
		t.Errorf("the error is %v", err)
	}
}
