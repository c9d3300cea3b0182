// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// longestName is what the name of a Connection may have.
const longestName = 52

// ConnectionName returns the name of the Connection of a linker: its own as a DNS
// label. Two linkers may have the same.
func ConnectionName(linker string) string {
	name := strings.Trim(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(linker)), "-")
	if name == "" || len(name) > longestName {
		sum := sha256.Sum256([]byte(linker))
		digest := hex.EncodeToString(sum[:4])
		name = strings.Trim(name[:min(len(name), longestName-len(digest)-1)], "-")
		name = strings.TrimPrefix(name+"-"+digest, "-")
	}
	return name
}

// SecretName returns the name of the Secret that Azure makes for a linker. Source:
// Azure/azure-cli, command_modules/serviceconnector/_utils.py; lower case is what
// Kubernetes takes.
func SecretName(linker string) string { return "sc-" + letters(linker) + "-secret" }

// CredentialsName returns the name of the Secret with the credentials of a linker's
// target, in the namespace of its Connection.
func CredentialsName(linker string) string { return "sc-" + letters(linker) + "-credentials" }

// letters returns the letters and digits of a name.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}
