// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Custom is the key of the service without settings of its own: all of them
// are the connection's.
const Custom = "custom"

// Lookup returns the service with this key.
func Lookup(key string) (*Service, bool) {
	s, ok := embedded().services[key]
	return s, ok
}

// Services returns every service, sorted by key.
func Services() []*Service {
	return slices.Clone(embedded().sorted)
}

// Nearest returns the n keys most like an unknown one, the nearest first.
// Deprecated services are not suggested.
func Nearest(key string, n int) []string {
	key = strings.ToLower(key)
	var keys []string
	for _, s := range embedded().sorted {
		if !s.Deprecated {
			keys = append(keys, s.Key)
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int {
		return cmp.Or(
			cmp.Compare(wordDistance(key, a), wordDistance(key, b)),
			cmp.Compare(levenshtein.ComputeDistance(key, a), levenshtein.ComputeDistance(key, b)),
		)
	})
	return keys[:max(0, min(n, len(keys)))]
}

// wordDistance is the distance to the key, to the nearest of its words or to
// another name of the service: people write blob for storage-blob and mariadb
// for mysql-server.
func wordDistance(text, key string) int {
	distance := levenshtein.ComputeDistance(text, key)
	for _, word := range append(strings.Split(key, "-"), embedded().services[key].AlsoKnownAs...) {
		distance = min(distance, levenshtein.ComputeDistance(text, word))
	}
	return distance
}
