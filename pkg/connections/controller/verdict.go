// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// verdict is what a pod's metadata shows of its connections.
type verdict struct {
	// lacks names the connections that it asks for and was not given.
	lacks []string
	// curable says that a new pod in its place would be given all of them.
	curable bool
	// stale has the definitions of which its variables hold earlier values, each
	// with the time of the change.
	stale map[string]time.Time
	// missing are objects that it needs and that the index does not have.
	missing []target
}

// directory answers what a verdict needs to know.
type directory interface {
	Lookup(namespace, name string) (connections.Offer, bool)
	Object(object connections.Object) (cluster.Marks, bool)
}

// judge gives the verdict on a pod. One whose annotation cannot be read lacks
// whatever it means by it.
func judge(pod *metav1.PartialObjectMetadata, known directory) verdict {
	var v verdict
	request, err := mutate.ParseRequest(pod.Annotations)
	if err != nil {
		return verdict{lacks: []string{mutate.Cut(pod.Annotations[v1alpha1.AnnotationConnections])}}
	}
	given := connections.Given(pod.Annotations)
	v.curable = true
	for _, name := range request.Connections {
		if _, ok := given[name]; !ok {
			v.lacks = append(v.lacks, name)
		}
		offer, ok := known.Lookup(pod.Namespace, name)
		v.curable = v.curable && ok && offer.Binding != nil && offer.Doubt == nil
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if offer, ok := known.Lookup(pod.Namespace, name); ok && offer.Binding != nil {
			v.compare(pod, offer.Binding, known)
		}
	}
	return v
}

// compare looks at what a pod was given by one binding.
func (v *verdict) compare(pod *metav1.PartialObjectMetadata, b *connections.Binding, known directory) {
	owner := b.Definition.Owner()
	settings := b.SettingsIn(pod.Namespace)
	marks, present := known.Object(settings)
	if !present {
		v.missing = append(v.missing, target{object: settings, owner: owner})
	}
	if b.ServiceAccount != "" {
		account := connections.Object{Kind: connections.KindServiceAccount, Namespace: pod.Namespace, Name: b.ServiceAccount}
		if _, ok := known.Object(account); !ok {
			v.missing = append(v.missing, target{object: account, owner: owner})
		}
	}
	if changed, earlier := connections.Earlier(marks.Changed, pod.CreationTimestamp.Time); earlier && len(b.Variables) > 0 {
		if v.stale == nil {
			v.stale = map[string]time.Time{}
		}
		v.stale[owner] = changed
	}
}

// names lists connections for a message.
func names(list []string) string { return strings.Join(list, ", ") }
