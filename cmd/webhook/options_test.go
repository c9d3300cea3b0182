// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseOptions(t *testing.T) {
	t.Setenv("KUBECONFIG", "")
	o, help, err := parseOptions(nil)
	if err != nil || help != "" || o.namespace != "sc-system" || o.evict || o.roll {
		t.Errorf("without flags: %+v %q %v", o, help, err)
	}
	if got := o.scanned(); !slices.Equal(got, []string{""}) {
		t.Errorf("without --namespaces %q are looked at, want all", got)
	}
	o, _, err = parseOptions([]string{"--namespaces", "a,b", "--listen", "[::1]:9443"})
	if err != nil || !slices.Equal(o.scanned(), []string{"a", "b"}) {
		t.Errorf("%+v %v", o, err)
	}
	if host, port, err := o.listenAddress(); host != "::1" || port != 9443 || err != nil {
		t.Errorf("listens at %q %d %v", host, port, err)
	}
	if _, help, err := parseOptions([]string{"--help"}); err != nil || !strings.Contains(help, "--scan-interval") {
		t.Errorf("help: %q %v", help, err)
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"extra", `unknown command "extra"`},
		{"--unknown", "unknown flag: --unknown"},
		{"--listen nowhere", "--listen"},
		{"--listen :0", "--listen"},
		{"--listen :70000", "--listen"},
		{"--log-level loud", "write info or debug"},
		{"--log-format xml", "write json or text"},
		{"--certificate-lifetime 1ms", "--certificate-lifetime"},
		{"--ca-settle 0s", "--ca-settle"},
		{"--pace 0", "write 1 or more"},
		{"--scan-interval 1ms", "write 1s or more"},
		{"--drain -1s", "is negative"},
		{"--azure-serve my_conn", "write it as my_conn=team-a,team-b"},
		{"--azure-serve my_conn=Team", "write it as my_conn=team-a,team-b"},
		{"--azure-serve =team-a", "write it as my_conn=team-a,team-b"},
		{"--azure-propagation -1s", "write 0 or more"},
		{"--tracing-endpoint collector:4318", "is no URL"},
		{"--namespace=", "--namespace is empty"},
	} {
		if _, _, err := parseOptions(strings.Fields(c.args)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}
