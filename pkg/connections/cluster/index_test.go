// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func spec() v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "a"}},
		Auth: v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity,
			WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: "aaaaaaaa-0000-0000-0000-000000000000"}},
	}
}

func own(namespace, name string) *v1alpha1.Connection {
	return &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 2}, Spec: spec()}
}

func shared(name string, allowed v1alpha1.AllowedNamespaces) *v1alpha1.ClusterConnection {
	return &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ClusterConnectionSpec{ConnectionSpec: spec(), AllowedNamespaces: allowed}}
}

func namespace(name string, labels map[string]string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func state(name string, labels map[string]string) *namespaceState {
	return namespaceOf(namespace(name, labels))
}

var (
	forAll  = v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromAll}
	forShop = v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector,
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}}
	broken = v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector,
		Selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}}
)

func filled() *Index {
	index := NewIndex((&clock{}).read)
	index.setNamespace(state("shop", map[string]string{"team": "shop"}))
	index.setNamespace(state("bare", nil))
	index.setConnection(own("shop", "mine"))
	index.setConnection(own("bare", "theirs"))
	index.setConnection(own("shop", "both"))
	index.setClusterConnection(shared("both", forAll))
	index.setClusterConnection(shared("all", forAll))
	index.setClusterConnection(shared("shops", forShop))
	index.setClusterConnection(shared("nobody", broken))
	index.setClusterConnection(shared("nowhere", v1alpha1.AllowedNamespaces{From: "Some"}))
	return index
}

func TestAvailable(t *testing.T) {
	index := filled()
	for ns, want := range map[string][]string{
		"shop":    {"all", "both", "mine", "shops"},
		"bare":    {"all", "both", "theirs"},
		"unknown": nil,
	} {
		if diff := cmp.Diff(want, index.Available(ns)); diff != "" {
			t.Errorf("available in %s (-want +got):\n%s", ns, diff)
		}
	}
}

func TestLookup(t *testing.T) {
	index := filled()
	for _, test := range []struct{ namespace, name, owner string }{
		{"shop", "mine", "Connection/shop/mine"},
		{"shop", "both", "Connection/shop/both"}, // the namespace's own comes first
		{"bare", "both", "ClusterConnection/both"},
		{"shop", "shops", "ClusterConnection/shops"},
		{"bare", "shops", ""},
		{"shop", "theirs", ""},
		{"shop", "nobody", ""},
		{"shop", "nowhere", ""},
		{"unknown", "all", ""},
	} {
		owner := ""
		if offer, ok := index.Lookup(test.namespace, test.name); ok {
			owner = offer.Binding.Definition.Owner()
		}
		if owner != test.owner {
			t.Errorf("%s in %s is %q, want %q", test.name, test.namespace, owner, test.owner)
		}
	}
	index.deleteConnection(own("shop", "both"))
	if offer, _ := index.Lookup("shop", "both"); offer.Binding.Definition.Owner() != "ClusterConnection/both" {
		t.Error("the shared one does not take over")
	}
	index.deleteClusterConnection(shared("both", forAll))
	index.setNamespace(state("shop", nil))
	for _, name := range []string{"both", "shops"} {
		if _, ok := index.Lookup("shop", name); ok {
			t.Errorf("%s is still there", name)
		}
	}
	index.forgetNamespace(state("shop", nil))
	if _, ok := index.Lookup("shop", "all"); ok {
		t.Error("a namespace that went is served")
	}
}

func TestOfferKnowsTheStatus(t *testing.T) {
	notReady := func(generation int64) v1alpha1.ConnectionStatus {
		return v1alpha1.ConnectionStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse,
			Reason: "R", Message: "m", ObservedGeneration: generation}}}
	}
	c := own("shop", "a")
	for generation, doubt := range map[int64]bool{2: true, 1: false} {
		c.Status = notReady(generation)
		if got := connectionEntry(c).offer; (got.Doubt != nil) != doubt || got.Binding == nil {
			t.Errorf("a status of generation %d for generation 2: %+v", generation, got)
		}
	}
	c.Spec.Target.Service = "nope"
	if got := connectionEntry(c).offer; got.Problem == nil || got.Problem.Reason != v1alpha1.ReasonUnknownService {
		t.Errorf("got %+v", got)
	}
}

// What a watch says stays; what was only noted lapses, and the watch's
// word replaces it.
func TestRecords(t *testing.T) {
	c := &clock{now: time.Unix(1000, 0)}
	index := NewIndex(c.read)
	object := connections.Object{Kind: connections.KindSecret, Namespace: "shop", Name: "s"}
	seen := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s",
		Annotations: map[string]string{v1alpha1.AnnotationRevision: "r2"}}}
	known := func(want string) {
		t.Helper()
		if got, ok := index.Known(object); got != want || ok != (want != "") {
			t.Errorf("known %q, %v, want %q", got, ok, want)
		}
	}
	known("")
	index.Note(object, "r1")
	known("r1")
	c.now = c.now.Add(noteLifetime + time.Second)
	known("")
	index.set(recordOf(object.Kind, seen))
	c.now = c.now.Add(24 * time.Hour)
	known("r2")
	index.forget(keyOf(object))
	known("")
	index.Note(object, "r3")
	known("r3")
	index.set(recordOf(object.Kind, seen))
	known("r2")
	// A note that says what the watch said already does not shorten it.
	index.Note(object, "r2")
	c.now = c.now.Add(noteLifetime + time.Second)
	known("r2")
	index.Note(object, "r9")
	index.Note(object, "r2")
	known("r2")
	if len(index.notes) != 0 {
		t.Errorf("%d notes are kept beside the watch's word", len(index.notes))
	}
	index.replace(object.Kind, "elsewhere", nil)
	index.replace(connections.KindServiceAccount, "", nil)
	known("r2")
	index.replace(object.Kind, "shop", nil)
	known("")
}

// Notes of objects that no watch sees are dropped when they have lapsed.
func TestNotesAreSwept(t *testing.T) {
	c := &clock{now: time.Unix(1000, 0)}
	index := NewIndex(c.read)
	for i := range 100 {
		index.Note(connections.Object{Name: string(rune('a' + i))}, "r")
		c.now = c.now.Add(time.Second)
	}
	if len(index.notes) > 25 {
		t.Errorf("%d notes are kept", len(index.notes))
	}
}

// A service account's revision is whom it stands for.
func TestServiceAccountRevision(t *testing.T) {
	index := NewIndex((&clock{}).read)
	account := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a",
		Annotations: map[string]string{v1alpha1.AnnotationClientID: "c", v1alpha1.AnnotationTenantID: "t", v1alpha1.AnnotationRevision: "r"}}}
	index.set(recordOf(connections.KindServiceAccount, account))
	if got, _ := index.Known(connections.Object{Kind: connections.KindServiceAccount, Namespace: "shop", Name: "a"}); got != "c/t" {
		t.Errorf("revision %q", got)
	}
}

// reader is an API server that holds these objects, and counts reads.
type reader struct {
	client.Reader
	objects map[client.ObjectKey]client.Object
	err     error
	reads   int
}

func (r *reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	r.reads++
	if r.err != nil {
		return r.err
	}
	switch into := into.(type) {
	case *v1alpha1.Connection:
		if found, ok := r.objects[key].(*v1alpha1.Connection); ok {
			*into = *found
			return nil
		}
	case *v1alpha1.ClusterConnection:
		if found, ok := r.objects[key].(*v1alpha1.ClusterConnection); ok {
			*into = *found
			return nil
		}
	case *metav1.PartialObjectMetadata:
		if found, ok := r.objects[key].(*metav1.PartialObjectMetadata); ok {
			*into = *found
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func TestDirectory(t *testing.T) {
	live := &reader{objects: map[client.ObjectKey]client.Object{
		{Namespace: "new", Name: "fresh"}: own("new", "fresh"),
		{Name: "wide"}:                    shared("wide", forShop),
		{Name: "new"}:                     namespace("new", map[string]string{"team": "shop"}),
		{Name: "other"}:                   namespace("other", nil),
	}}
	d := &Directory{Index: filled(), Live: live}
	owners := func(ns string, names ...string) (string, error) {
		offers, err := d.Offers(t.Context(), ns, names)
		text := ""
		for _, offer := range offers {
			text += offer.Binding.Definition.Owner() + " "
		}
		return text, err
	}
	if got, err := owners("shop", "shops", "mine"); err != nil || got != "ClusterConnection/shops Connection/shop/mine " || live.reads != 0 {
		t.Errorf("from the index: %q, %v, %d reads", got, err, live.reads)
	}
	// A watch can be behind.
	if got, err := owners("new", "fresh", "wide"); err != nil || got != "Connection/new/fresh ClusterConnection/wide " {
		t.Errorf("read live: %q, %v", got, err)
	}
	for _, name := range []string{"wide", "absent"} {
		_, err := owners("other", name)
		var denial *mutate.Denial
		if !errors.As(err, &denial) || denial.Reason != mutate.ReasonUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	live.err = errors.New("away")
	_, err := owners("new", "fresh")
	var denial *mutate.Denial
	if err == nil || errors.As(err, &denial) {
		t.Errorf("an API server that is away gives the verdict %v", err)
	}
}
