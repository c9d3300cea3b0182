// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// shelf is a directory with the connections "orders", whose values are variables,
// "vault", whose values are files, and "sick", which is not ready.
type shelf map[connections.Object]cluster.Marks

func (shelf) Lookup(_, name string) (connections.Offer, bool) {
	b := &connections.Binding{Definition: connections.Definition{Name: name}, Secret: "sc-" + name}
	offer := connections.Offer{Binding: b}
	switch name {
	case "orders":
		b.Variables = []string{"URL"}
	case "vault":
		b.ServiceAccount = "account"
	case "sick":
		offer.Doubt = &connections.Problem{}
	default:
		return connections.Offer{}, false
	}
	return offer, true
}

func (s shelf) Object(object connections.Object) (cluster.Marks, bool) {
	marks, ok := s[object]
	return marks, ok
}

func TestJudge(t *testing.T) {
	secret := func(name string) connections.Object {
		return connections.Object{Kind: connections.KindSecret, Namespace: "shop", Name: "sc-" + name}
	}
	account := connections.Object{Kind: connections.KindServiceAccount, Namespace: "shop", Name: "account"}
	changed := cluster.Marks{Changed: noon.Format(time.RFC3339)}
	for _, c := range []struct {
		name            string
		asked, injected string
		created         time.Time
		known           shelf
		lacks           string
		curable         bool
		stale           bool
		missing         int
	}{
		{name: "all is well", asked: "orders", injected: "orders@1", known: shelf{secret("orders"): {}}, curable: true},
		{name: "not injected", asked: "orders, vault", known: shelf{}, lacks: "orders, vault", curable: true},
		{name: "half injected", asked: "orders,vault", injected: "orders@1", known: shelf{secret("orders"): {}}, lacks: "vault", curable: true},
		{name: "a new pod would be refused", asked: "orders,sick", injected: "orders@1", known: shelf{secret("orders"): {}}, lacks: "sick"},
		{name: "a connection that is not there", asked: "gone", known: shelf{}, lacks: "gone"},
		{name: "an annotation that cannot be read", asked: "Ä", known: shelf{}, lacks: "\\u00c4"},
		{name: "an annotation that names nothing", asked: " , ", known: shelf{}, curable: true},
		{name: "its Secret is gone", asked: "orders", injected: "orders@1", known: shelf{}, curable: true, missing: 1},
		{name: "and its service account", asked: "vault", injected: "vault@1", known: shelf{}, curable: true, missing: 2},
		{name: "earlier values", asked: "orders", injected: "orders@1", created: noon.Add(-time.Second), known: shelf{secret("orders"): changed}, curable: true, stale: true},
		{name: "present values", asked: "orders", injected: "orders@1", created: noon, known: shelf{secret("orders"): changed}, curable: true},
		{name: "files follow by themselves", asked: "vault", injected: "vault@1", created: noon.Add(-time.Hour), known: shelf{secret("vault"): changed, account: {}}, curable: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			pod := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: "p", CreationTimestamp: metav1.NewTime(c.created),
				Annotations: map[string]string{v1alpha1.AnnotationConnections: c.asked, v1alpha1.AnnotationInjected: c.injected},
			}}
			v := judge(pod, c.known)
			if got := strings.Join(v.lacks, ", "); got != c.lacks || v.curable != c.curable || (len(v.stale) > 0) != c.stale || len(v.missing) != c.missing {
				t.Errorf("%+v", v)
			}
		})
	}
}
