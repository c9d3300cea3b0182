// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"strings"
	"time"

	"serviceconnector.dev/pkg/mutate"
)

// Given returns the connections that a pod's annotations say it was given, by
// name, each with the revision that it was at.
func Given(annotations map[string]string) map[string]string {
	given := map[string]string{}
	for item := range strings.SplitSeq(annotations[mutate.AnnotationInjected], ",") {
		if name, revision, ok := strings.Cut(strings.TrimSpace(item), "@"); ok {
			given[name] = revision
		}
	}
	return given
}

// Earlier reports whether the variables of a pod have earlier values than those in
// a Secret, and since when: changed is the Secret's mark of when its data changed,
// created when the pod was made. Both are in whole seconds; a pod of the same
// second starts its containers later.
func Earlier(changed string, created time.Time) (since time.Time, earlier bool) {
	since, err := time.Parse(time.RFC3339, changed)
	return since, err == nil && created.Before(since)
}
