// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"github.com/agnivade/levenshtein"

	"serviceconnector.dev/pkg/mutate"
)

// Unavailable denies a connection that does not exist or does not serve the
// namespace; both read the same, so that names of others do not leak.
// available are the names that the namespace can use, of which the nearest is
// suggested.
func Unavailable(name, namespace string, available []string) *mutate.Denial {
	hint := ""
	if nearest := nearest(name, available); nearest != "" {
		hint = "; did you mean \"" + nearest + "\"?"
	}
	return mutate.Deny(mutate.ReasonUnknown, "connection %q is not available in namespace %q%s (kubectl connection list -n %s)",
		name, namespace, hint, namespace)
}

// nearest returns the name with the fewest changes, the first of several in
// order of the alphabet, or "" if none is near.
func nearest(name string, available []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, candidate := range available {
		if d := levenshtein.ComputeDistance(name, candidate); d < distance || d == distance && best != "" && candidate < best {
			best, distance = candidate, d
		}
	}
	return best
}
