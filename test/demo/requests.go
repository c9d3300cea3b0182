// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/test/azure"
)

const (
	token = "a token, from Entra ID"
	write = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
)

// allowed is all that there is to ask Azure for here, as docs/azure.md has it.
var allowed = []string{
	"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
	write,
	"Microsoft.ManagedIdentity/userAssignedIdentities/read",
	"Microsoft.ServiceLinker/linkers/listConfigurations/action",
	"Microsoft.ServiceLinker/linkers/read",
	"Microsoft.Storage/storageAccounts/listKeys/action",
	token,
}

// asked is how often Azure was asked for what.
type asked map[string]int

func count(requests []azure.Request) asked {
	counts := asked{}
	for _, r := range requests {
		if r.Host == azure.HostEntra {
			counts[token]++
		} else {
			counts[r.Action]++
		}
	}
	return counts
}

func (a asked) print(out io.Writer) {
	fmt.Fprintf(out, "\nAsked of Azure\n\n")
	rows := [][]string{{"TIMES", "FOR"}}
	for _, action := range slices.Sorted(maps.Keys(a)) {
		rows = append(rows, []string{fmt.Sprint(a[action]), action})
	}
	table(out, rows)
}

// check returns nil if everything was asked for and nothing else, and one credential
// was written once.
func (a asked) check() error {
	if have := slices.Sorted(maps.Keys(a)); !slices.Equal(have, allowed) {
		return fmt.Errorf("what Azure was asked for is [%s], want [%s]", strings.Join(have, ", "), strings.Join(allowed, ", "))
	}
	if a[write] != 1 {
		return fmt.Errorf("federated credentials were written %d times, want once", a[write])
	}
	return nil
}
