// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/connections"
)

// Document returns the object as a document of YAML, "" where a file has it
// already. A Secret is written only if secrets is Rendered and its credentials
// were given; else a comment says that it is needed, and warning why.
func (n Need) Document(secrets SecretMode) (text, warning string, err error) {
	switch {
	case n.Stale:
		return "", fmt.Sprintf("%s %q in namespace %q differs from what %s says now; remove its manifest and run again",
			n.Kind, n.Name, n.Namespace, n.Owner), nil
	case n.Given:
		return "", "", nil
	case n.Missing != nil && secrets == Rendered:
		return n.comment(), fmt.Sprintf("Secret %q in namespace %q is left out: %s; or add its manifest to --definitions", n.Name, n.Namespace, n.Missing), nil
	case n.Kind == connections.KindSecret && secrets == LeftOut:
		return n.comment(), fmt.Sprintf("Secret %q in namespace %q is needed and left out; --render-secrets writes it, with its credentials in clear", n.Name, n.Namespace), nil
	}
	raw, err := yaml.JSONToYAML(n.Manifest)
	return string(raw), "", err
}

func (n Need) comment() string {
	return fmt.Sprintf("# Needed, and not written here: %s %s in namespace %s, of %s.\n", n.Kind, n.Name, n.Namespace, n.Owner)
}

// SecretMode says whether Secrets are written.
type SecretMode bool

// The modes of writing Secrets.
const (
	LeftOut  SecretMode = false
	Rendered SecretMode = true
)
