// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func (s *shop) delete(connection string) {
	s.t.Helper()
	s.kubectl("delete", "connection", connection)
}

// Retain: what was made stays, is nobody's but the namespace's, and is found by
// its label.
func TestRetainedObjectsStay(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const name, account = "sc-orders-secret", "sc-account-" + clientA
	before := s.secret(name)
	s.delete("orders")
	s.delete("receipts")
	s.eventually("the marks are taken off", func() bool {
		return s.secret(name).Labels[v1alpha1.LabelManagedBy] == "" && s.account(account).Labels[v1alpha1.LabelManagedBy] == ""
	})
	after := s.secret(name)
	if after.UID != before.UID || string(after.Data[connectionString]) != string(before.Data[connectionString]) {
		t.Error("the Secret did not stay as it was")
	}
	if s.account(account).Annotations[v1alpha1.AnnotationClientID] != clientA {
		t.Error("the service account lost its identity; pods that start again would not get their tokens")
	}
	if event := s.wantOneEvent(v1alpha1.EventRetained, name); event.InvolvedObject.UID != before.UID {
		t.Errorf("the event is about %v", event.InvolvedObject)
	}
	left := s.warnings("get", "secrets,serviceaccounts", "-o", "name", "-l", v1alpha1.LabelConnection+","+v1alpha1.LabelManagedBy+"!="+v1alpha1.ManagedBy)
	if !strings.Contains(left, "secret/"+name) || !strings.Contains(left, "serviceaccount/"+account) {
		t.Errorf("the labels do not find what stayed: %q", left)
	}
	s.mustDeny(annotated("orders"), `connection "orders" is not available`)

	// The same connection, made again, takes them back.
	s.connect("orders", secretSpec("creds"))
	s.eventually("pods are injected again", func() bool {
		_, err := s.create(annotated("orders"))
		return err == nil
	})
	if again := s.secret(name); again.UID != before.UID || again.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || again.Annotations[v1alpha1.AnnotationRetained] != "" {
		t.Errorf("the Secret was not taken back: %v %v", again.Labels, again.Annotations)
	}
}

// Delete: what was made goes with the last pod that uses it, and until then an
// event says who that is. A service account that connections share goes with the
// last of them.
func TestDeletedWithTheLastConsumer(t *testing.T) {
	s := newNamespace(t)
	s.credentials("creds", map[string]string{"password": "p"})
	orders, receipts, parcels := secretSpec("creds"), identitySpec(clientA), identitySpec(clientA)
	orders.DeletionPolicy, receipts.DeletionPolicy, parcels.DeletionPolicy = v1alpha1.DeletionDelete, v1alpha1.DeletionDelete, v1alpha1.DeletionDelete
	s.connect("orders", orders)
	s.connect("receipts", receipts)
	s.connect("parcels", parcels)
	user := s.mustCreate(annotated("orders,receipts"))
	other := s.mustCreate(annotated("parcels"))
	s.wantCount("orders", 1, 1)
	s.wantCount("parcels", 1, 1)
	const account = "sc-account-" + clientA

	s.delete("orders")
	event := s.wantOneEvent(v1alpha1.EventStillUsed, "sc-orders-secret")
	if !strings.Contains(event.Message, user.Name) {
		t.Errorf("the event does not say who uses it: %q", event.Message)
	}
	s.delete("receipts")
	s.wantOneEvent(v1alpha1.EventStillUsed, "sc-receipts-secret")
	s.deletePod(user.Name)
	s.eventually("the Secrets are deleted", func() bool {
		return s.secret("sc-orders-secret") == nil && s.secret("sc-receipts-secret") == nil
	})
	s.wantOneEvent(v1alpha1.EventRemoved, "sc-orders-secret")
	if s.account(account) == nil || s.secret("sc-parcels-secret") == nil || s.secret("creds") == nil {
		t.Fatal("what is another's went, too")
	}
	if owner := s.account(account).Annotations[v1alpha1.AnnotationOwner]; !strings.HasSuffix(owner, "/parcels") {
		t.Errorf("the service account is of %q now, want parcels", owner)
	}

	s.delete("parcels")
	s.wantOneEvent(v1alpha1.EventStillUsed, account)
	s.deletePod(other.Name)
	s.eventually("the service account is deleted", func() bool { return s.account(account) == nil })
	s.wantOneEvent(v1alpha1.EventRemoved, account)
}

func (s *shop) deletePod(name string) {
	s.t.Helper()
	if err := clients.CoreV1().Pods(s.name).Delete(s.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// A ClusterConnection that does not serve a namespace any more: new pods are
// refused, those there keep what they have, and the policy decides on that.
func TestNamespaceThatIsServedNoMore(t *testing.T) {
	s := newNamespace(t)
	kept, removed := connectCluster(t, map[string]string{"shop": s.name}), connectCluster(t, map[string]string{"shop": s.name})
	s.kubectl("patch", "clusterconnection", removed, "--type=merge", "-p", `{"spec":{"deletionPolicy":"Delete"}}`)
	s.mustCreate(annotated(kept))
	pod := s.mustCreate(annotated(removed))
	s.eventually("the mark follows the policy", func() bool {
		return s.secret("sc-" + removed + "-secret").Annotations[v1alpha1.AnnotationDeletionPolicy] == string(v1alpha1.DeletionDelete)
	})
	s.label("shop", "closed")
	s.eventually("new pods are refused", func() bool {
		_, err := s.create(annotated(kept))
		return err != nil
	})
	s.wantOneEvent(v1alpha1.EventRetained, "sc-"+kept+"-secret")
	s.wantOneEvent(v1alpha1.EventStillUsed, "sc-"+removed+"-secret")
	if s.secret("sc-"+kept+"-secret") == nil || s.secret("sc-"+removed+"-secret") == nil {
		t.Fatal("a Secret that a running pod uses is gone")
	}
	s.deletePod(pod.Name)
	s.eventually("the Secret is deleted", func() bool { return s.secret("sc-"+removed+"-secret") == nil })
	if s.secret("sc-"+kept+"-secret") == nil {
		t.Error("the Secret that was to stay is gone")
	}
	// Served again, the namespace gets both: one is taken back, the other made anew.
	s.label("shop", s.name)
	s.eventually("pods are injected again", func() bool {
		_, first := s.create(annotated(kept))
		_, second := s.create(annotated(removed))
		return first == nil && second == nil
	})
}

// What is deleted together with its definition is not made again.
func TestDeletedWithItsDefinition(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const n = 20
	for i := range n {
		name := fmt.Sprint("c", i)
		s.connect(name, secretSpec("creds"))
		s.mustCreate(annotated(name))
	}
	for i := range n {
		s.wantCount(fmt.Sprint("c", i), 1, 1)
	}
	for i := range n {
		name := fmt.Sprint("c", i)
		if err := objects.Delete(t.Context(), &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name}}); err != nil {
			t.Fatal(err)
		}
		if err := clients.CoreV1().Secrets(s.name).Delete(t.Context(), "sc-"+name+"-secret", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// What was deleted later is made again, so that the others have been looked at.
	s.kubectl("delete", "secret", "sc-orders-secret")
	s.eventually("the Secret that is needed is back", func() bool { return s.secret("sc-orders-secret") != nil })
	for i := range n {
		if name := fmt.Sprintf("sc-c%d-secret", i); s.secret(name) != nil {
			t.Errorf("Secret %s was made again", name)
		}
	}
}
