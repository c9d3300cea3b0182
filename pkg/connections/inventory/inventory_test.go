// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const clientID = "11111111-2222-3333-4444-555555555555"

// world is a cluster that holds these objects.
func world(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func blobSpec() v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "a"}},
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID}},
	}
}

func connection(namespace, name string) *v1alpha1.Connection {
	return &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: blobSpec()}
}

func clusterConnection(name string, allowed v1alpha1.AllowedNamespaces) *v1alpha1.ClusterConnection {
	return &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ClusterConnectionSpec{ConnectionSpec: blobSpec(), AllowedNamespaces: allowed}}
}

var (
	everyone = v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromAll}
	teamShop = v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector,
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}}
)

func made(kind client.Object, namespace, name, owner, revision string) client.Object {
	kind.SetNamespace(namespace)
	kind.SetName(name)
	kind.SetLabels(map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelConnection: "its-name"})
	kind.SetAnnotations(map[string]string{v1alpha1.AnnotationOwner: owner, v1alpha1.AnnotationRevision: revision, v1alpha1.AnnotationClientID: clientID})
	return kind
}

func deployment(namespace, name string, workload, template map[string]string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: workload}}
	d.Spec.Template.Annotations = template
	return d
}

func asks(names string) map[string]string {
	return map[string]string{mutate.AnnotationConnections: names}
}

func TestList(t *testing.T) {
	t.Parallel()
	controlled := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders-1", Annotations: asks("receipts"),
		OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "orders", UID: "1", Controller: new(true)}}}}
	cluster := world(t,
		namespace("shop", map[string]string{"team": "shop"}), namespace("finance", nil),
		connection("shop", "receipts"), connection("finance", "ledger"),
		clusterConnection("receipts", everyone), clusterConnection("archive", teamShop),
		made(&corev1.Secret{}, "shop", "sc-archive-secret", "ClusterConnection/archive", "r"),
		// Its name is right, but it is another definition's.
		made(&corev1.Secret{}, "finance", "sc-receipts-secret", "Connection/shop/receipts", "r"),
		deployment("shop", "orders", asks("receipts, archive"), nil),
		deployment("shop", "template-wins", asks("archive"), asks("receipts")),
		deployment("shop", "malformed", asks("Receipts"), nil),
		deployment("finance", "books", asks("receipts, archive"), nil),
		controlled,
	)
	orders, books := Workload{"Deployment", "shop", "orders"}, Workload{"Deployment", "finance", "books"}
	wins := Workload{"Deployment", "shop", "template-wins"}
	type line struct {
		Namespace, Kind, Name string
		Provisioned           []string
		Workloads             []Workload
	}
	tests := map[string]struct {
		namespace string
		want      []line
	}{
		"its own hides the cluster's, and labels decide": {"shop", []line{
			{"", KindClusterConnection, "archive", []string{"shop"}, []Workload{orders}},
			{"shop", KindConnection, "receipts", []string{}, []Workload{orders, wins}},
		}},
		"another namespace": {"finance", []line{
			{"finance", KindConnection, "ledger", []string{}, []Workload{}},
			{"", KindClusterConnection, "receipts", []string{}, []Workload{books}},
		}},
		"one that does not exist": {"absent", nil},
		"all": {"", []line{
			{"", KindClusterConnection, "archive", []string{"shop"}, []Workload{orders}},
			{"", KindClusterConnection, "receipts", []string{}, []Workload{books}},
			{"finance", KindConnection, "ledger", []string{}, []Workload{}},
			{"shop", KindConnection, "receipts", []string{"finance"}, []Workload{orders, wins}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := List(t.Context(), cluster, test.namespace)
			if err != nil {
				t.Fatal(err)
			}
			var got []line
			for _, c := range list.Connections {
				got = append(got, line{c.Namespace, c.Kind, c.Name, c.Provisioned, c.Workloads})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	condition := func(status metav1.ConditionStatus, reason string, generation int64) v1alpha1.ConnectionStatus {
		return v1alpha1.ConnectionStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, ObservedGeneration: generation}}}
	}
	broken := connection("shop", "broken")
	broken.Spec.Target.Parameters = nil
	tests := map[string]struct {
		of            *v1alpha1.Connection
		status        v1alpha1.ConnectionStatus
		state, reason string
	}{
		"ready":                        {connection("shop", "a"), condition(metav1.ConditionTrue, "Ready", 2), "True", "Ready"},
		"not ready":                    {connection("shop", "a"), condition(metav1.ConditionFalse, "CredentialsNotFound", 2), "False", "CredentialsNotFound"},
		"a word on an earlier state":   {connection("shop", "a"), condition(metav1.ConditionTrue, "Ready", 1), Unknown, "NotChecked"},
		"the definition alone says it": {broken, v1alpha1.ConnectionStatus{}, "False", v1alpha1.ReasonMissingParameter},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.of.Generation, test.of.Status = 2, test.status
			state, reason, _ := Ready(test.of)
			if state != test.state || reason != test.reason {
				t.Errorf("got %s %s, want %s %s", state, reason, test.state, test.reason)
			}
		})
	}
}

func TestShowObjects(t *testing.T) {
	t.Parallel()
	c := connection("shop", "receipts")
	b, err := connections.Bind(connections.FromConnection(c))
	if err != nil {
		t.Fatal(err)
	}
	owner, account := "Connection/shop/receipts", "sc-account-"+clientID
	tests := map[string]struct {
		present []client.Object
		want    []string
	}{
		"nothing yet": {nil, []string{StateMissing, StateMissing}},
		"as it should be": {[]client.Object{
			made(&corev1.Secret{}, "shop", "sc-receipts-secret", owner, b.Revision),
			made(&corev1.ServiceAccount{}, "shop", account, "Connection/shop/other", ""),
		}, []string{StateCurrent, StateCurrent}},
		"an earlier state": {[]client.Object{made(&corev1.Secret{}, "shop", "sc-receipts-secret", owner, "earlier")}, []string{StateOutdated, StateMissing}},
		"somebody else's": {[]client.Object{
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sc-receipts-secret"}},
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: account}},
		}, []string{StateForeign, StateForeign}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := world(t, append(test.present, namespace("shop", nil), c)...)
			details, err := Show(t.Context(), cluster, "shop", "receipts", "sc-system")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range details.Objects {
				got = append(got, object.State)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShowOfAnUnknownName(t *testing.T) {
	t.Parallel()
	_, err := Show(t.Context(), world(t, namespace("shop", nil), connection("shop", "receipts")), "shop", "receipt", "sc-system")
	want := `connection "receipt" is not available in namespace "shop"; did you mean "receipts"? (kubectl connection list -n shop)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestValuesOfSomebodyElse(t *testing.T) {
	t.Parallel()
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sc-receipts-secret"}, Data: map[string][]byte{"KEY": []byte("hunter2")}}
	cluster := world(t, namespace("shop", nil), connection("shop", "receipts"), foreign)
	details, err := Show(t.Context(), cluster, "shop", "receipts", "sc-system")
	if err != nil {
		t.Fatal(err)
	}
	values, err := Values(t.Context(), cluster, details)
	if err == nil || values != nil {
		t.Errorf("got %v, %v; want a refusal", values, err)
	}
}

// A service account stays while another connection means its identity.
func TestLeft(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		others []client.Object
		want   []string
	}{
		"nobody else":                       {nil, []string{"sc-receipts-secret", "sc-account-" + clientID}},
		"another one of the namespace":      {[]client.Object{connection("shop", "more")}, []string{"sc-receipts-secret"}},
		"one of the cluster":                {[]client.Object{clusterConnection("more", everyone)}, []string{"sc-receipts-secret"}},
		"the same identity somewhere else":  {[]client.Object{connection("finance", "more")}, []string{"sc-receipts-secret", "sc-account-" + clientID}},
		"objects of another one are not it": {[]client.Object{made(&corev1.Secret{}, "shop", "sc-more-secret", "Connection/shop/more", "r")}, []string{"sc-receipts-secret", "sc-account-" + clientID}},
	}
	stayed := made(&corev1.Secret{}, "shop", "sc-earlier-secret", "", "")
	stayed.SetLabels(map[string]string{v1alpha1.LabelConnection: "receipts"})
	stayed.SetAnnotations(map[string]string{v1alpha1.AnnotationRetained: "Connection/shop/receipts"})
	tests["what stayed before is it"] = struct {
		others []client.Object
		want   []string
	}{[]client.Object{stayed}, []string{"sc-earlier-secret", "sc-receipts-secret", "sc-account-" + clientID}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connection("shop", "receipts")
			cluster := world(t, append(test.others, c, namespace("shop", nil),
				made(&corev1.Secret{}, "shop", "sc-receipts-secret", "Connection/shop/receipts", "r"),
				made(&corev1.ServiceAccount{}, "shop", "sc-account-"+clientID, "Connection/shop/receipts", ""))...)
			remains, err := Left(t.Context(), cluster, c, "sc-system")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range remains.Objects {
				got = append(got, object.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if err := Purge(t.Context(), cluster, remains); err != nil {
				t.Fatal(err)
			}
			var secret corev1.Secret
			if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "sc-receipts-secret"}, &secret); err == nil {
				t.Error("the Secret is still there")
			}
		})
	}
}
