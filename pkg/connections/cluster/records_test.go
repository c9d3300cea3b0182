// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func secretIn(namespace, name, revision string) *record {
	return recordOf(connections.KindSecret, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name,
		Annotations: map[string]string{v1alpha1.AnnotationOwner: "ClusterConnection/all", v1alpha1.AnnotationRevision: revision}}})
}

// Whatever is put and removed, records hold what a map would.
func TestRecordsHoldWhatAMapWould(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	got, want := records{}, map[key]*record{}
	names := []string{"a", "b", "c"}
	for range 1000 {
		one := secretIn(names[random.IntN(3)], names[random.IntN(3)], "r")
		before := want[one.key]
		if random.IntN(2) == 0 {
			want[one.key] = one
			if found := got.put(one); found != before {
				t.Fatalf("put returned %v, want %v", found, before)
			}
		} else {
			delete(want, one.key)
			if found := got.remove(one.key); found != before {
				t.Fatalf("remove returned %v, want %v", found, before)
			}
		}
		if found := got.find(one.key); found != want[one.key] {
			t.Fatalf("find returned %v, want %v", found, want[one.key])
		}
		all := got.all()
		for _, r := range all {
			if want[r.key] != r {
				t.Fatalf("%v is there, and should not", r.object())
			}
		}
		if len(all) != len(want) {
			t.Fatalf("there are %d, want %d", len(all), len(want))
		}
	}
}

// Who follows is told of all objects in a namespace that changes, and of no other.
func TestNamespaceChangeTellsOfItsObjects(t *testing.T) {
	index := filled()
	for _, r := range []*record{secretIn("shop", "one", "r"), secretIn("shop", "two", "r"), secretIn("bare", "one", "r")} {
		index.set(r)
	}
	var told []string
	defer index.Follow(func(c Change) {
		if c.Cause == CauseNamespace {
			told = append(told, c.Object.Namespace+"/"+c.Object.Name)
		}
	})()
	index.setNamespace(state("shop", map[string]string{"team": "shop"})) // the same as before
	if len(told) > 0 {
		t.Errorf("told of %v, although nothing changed", told)
	}
	index.setNamespace(state("shop", map[string]string{"team": "other"}))
	slices.Sort(told)
	if diff := cmp.Diff([]string{"shop/one", "shop/two"}, told); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
}
