// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// crowded is an index of 10,000 namespaces, of which one in ten has a Connection of
// its own, and 100 ClusterConnections; what each is provisioned with is known.
func crowded() *Index {
	index := NewIndex((&clock{}).read)
	for i := range 10_000 {
		name := fmt.Sprint("shop-", i)
		index.setNamespace(state(name, map[string]string{"team": "shop"}))
		if i%10 == 0 {
			index.setConnection(own(name, "mine"))
		}
		index.set(recordOf(connections.KindSecret, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "sc-shared-0-secret",
			Annotations: map[string]string{v1alpha1.AnnotationOwner: "ClusterConnection/shared-0", v1alpha1.AnnotationRevision: "r"}}}))
	}
	for i := range 100 {
		index.setClusterConnection(shared(fmt.Sprint("shared-", i), forShop))
	}
	return index
}

// What one pod asks the index for: its connection, and whether what that needs is
// there.
func BenchmarkLookup(b *testing.B) {
	index := crowded()
	object := connections.Object{Kind: connections.KindSecret, Namespace: "shop-5000", Name: "sc-shared-0-secret"}
	b.ReportAllocs()
	for b.Loop() {
		_, offered := index.Lookup("shop-5000", "shared-0")
		_, known := index.Known(object)
		if !offered || !known {
			b.Fatal("nothing is found")
		}
	}
}
