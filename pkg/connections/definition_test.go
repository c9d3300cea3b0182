// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import "testing"

func TestParseOwner(t *testing.T) {
	for _, d := range []Definition{{Name: "a"}, {Namespace: "n", Name: "a"}} {
		if namespace, name := ParseOwner(d.Owner()); namespace != d.Namespace || name != d.Name {
			t.Errorf("%s is read as %q, %q", d.Owner(), namespace, name)
		}
	}
	for _, owner := range []string{"", "a", "Connection/", "Connection/a", "Connection//a", "Connection/n/", "Connection/n/a/b", "ClusterConnection/", "ClusterConnection/a/b", "Other/n/a"} {
		if namespace, name := ParseOwner(owner); name != "" {
			t.Errorf("%q is read as %q, %q", owner, namespace, name)
		}
	}
}
