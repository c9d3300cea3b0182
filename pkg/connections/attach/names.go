// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Change is what is to be done to the names that a workload uses.
type Change struct {
	Add, Remove []string
}

// names reads the names in a list, in order, each once.
func names(list string) []string {
	var all []string
	for item := range strings.SplitSeq(list, ",") {
		if name := strings.TrimSpace(item); name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// merge returns a list of names after a change: those that stay keep their
// order, new ones come last.
func (c Change) merge(list string) []string {
	merged := slices.DeleteFunc(names(list), func(name string) bool { return slices.Contains(c.Remove, name) })
	for _, name := range c.Add {
		if !slices.Contains(merged, name) {
			merged = append(merged, name)
		}
	}
	return merged
}

// annotate makes a change to annotations and reports whether it made a
// difference. Without any name left the annotation goes, and with each name the
// prefix of its variables.
func (c Change) annotate(annotations map[string]string) (map[string]string, bool) {
	before, after := names(annotations[v1alpha1.AnnotationConnections]), c.merge(annotations[v1alpha1.AnnotationConnections])
	if slices.Equal(before, after) && (len(after) > 0 || !mutate.Present(annotations)) {
		return annotations, false
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	for _, name := range c.Remove {
		delete(annotations, v1alpha1.AnnotationEnvPrefix+name)
	}
	if len(after) == 0 {
		delete(annotations, v1alpha1.AnnotationConnections)
		delete(annotations, v1alpha1.AnnotationContainers)
		return annotations, true
	}
	annotations[v1alpha1.AnnotationConnections] = strings.Join(after, ",")
	return annotations, true
}
