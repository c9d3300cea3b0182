// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"io/fs"
	"slices"
)

const (
	kindCredential = "credential"
	kindIdentity   = "identity"
)

type placeholder struct {
	Description string `json:"description"`
	Kind        string `json:"kind,omitempty"`
	Example     string `json:"example"`
}

// Credential reports whether a placeholder holds a credential, which comes
// only from a Secret that the connection refers to.
func Credential(name string) bool {
	return embedded().placeholders[name].Kind == kindCredential
}

// Identity reports whether a placeholder says who the application is, and is
// filled from the connection's auth member.
func Identity(name string) bool {
	return embedded().placeholders[name].Kind == kindIdentity
}

// Description says what a placeholder stands for; "" for one that the
// catalogue does not know, such as a parameter of a custom service.
func Description(name string) string {
	return embedded().placeholders[name].Description
}

// Example returns a plausible value of a placeholder, for samples and
// documents; "" for one that the catalogue does not know. That of a credential
// opens nothing.
func Example(name string) string {
	return embedded().placeholders[name].Example
}

// Credentials returns the names of all placeholders that hold a credential,
// sorted.
func Credentials() []string {
	var names []string
	for name, p := range embedded().placeholders {
		if p.Kind == kindCredential {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func readPlaceholders(files fs.FS) (map[string]placeholder, error) {
	var content struct {
		Placeholders map[string]placeholder `json:"placeholders"`
	}
	err := readFile(files, "placeholders.yaml", &content)
	return content.Placeholders, err
}
