// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// soon is how long a repair may take.
const soon = 5 * time.Second

// within waits for a condition that has to come about soon.
func (s *shop) within(limit time.Duration, what string, met func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("after %s not: %s", limit, what)
		}
	}
}

// secret returns a Secret of the shop, nil for none.
func (s *shop) secret(name string) *corev1.Secret {
	s.t.Helper()
	secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// account returns a service account of the shop, nil for none.
func (s *shop) account(name string) *corev1.ServiceAccount {
	s.t.Helper()
	account, err := clients.CoreV1().ServiceAccounts(s.name).Get(s.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return account
}

// events returns the events of the shop with a reason, about an object.
func (s *shop) events(reason, name string) []corev1.Event {
	s.t.Helper()
	list, err := clients.CoreV1().Events(s.name).List(s.t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason + ",involvedObject.name=" + name})
	if err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// wantOneEvent waits for an event, and asserts that there is one alone.
func (s *shop) wantOneEvent(reason, name string) corev1.Event {
	s.t.Helper()
	s.eventually("an event "+reason+" about "+name, func() bool { return len(s.events(reason, name)) > 0 })
	found := s.events(reason, name)
	if len(found) != 1 || found[0].Count != 1 {
		s.t.Errorf("%d events %s about %s, want one: %v", len(found), reason, name, found)
	}
	return found[0]
}

func (s *shop) patchSecret(name, patch string) {
	s.t.Helper()
	_, err := clients.CoreV1().Secrets(s.name).Patch(s.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		s.t.Fatal(err)
	}
}

// provisioned makes two connections, a pod that uses them, and returns when what
// they need is known to the controller.
func (s *shop) provisioned() {
	s.t.Helper()
	s.credentials("creds", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("creds"))
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("orders,receipts"))
	s.wantCount("orders", 1, 1)
	s.wantCount("receipts", 1, 1)
}

// wantCount waits until a Connection's status counts that many namespaces.
func (s *shop) wantCount(name string, provisioned, total int32) {
	s.t.Helper()
	var c v1alpha1.Connection
	s.eventually("the status of connection "+name+" counts", func() bool {
		if err := objects.Get(s.t.Context(), key(s.name, name), &c); err != nil {
			s.t.Fatal(err)
		}
		return c.Status.Namespaces == v1alpha1.NamespaceCount{Total: total, Provisioned: provisioned}
	})
}

func TestDeletedObjectsAreRestored(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	account := "sc-account-" + clientA
	before := s.secret("sc-orders-secret")
	if err := clients.CoreV1().Secrets(s.name).Delete(t.Context(), before.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := clients.CoreV1().ServiceAccounts(s.name).Delete(t.Context(), account, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.within(soon, "both are back", func() bool { return s.secret(before.Name) != nil && s.account(account) != nil })
	after := s.secret(before.Name)
	if after.UID == before.UID || string(after.Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]) != string(before.Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]) {
		t.Error("the Secret is not a new one with the same content")
	}
	s.wantOneEvent(v1alpha1.EventRestored, before.Name)
	s.wantOneEvent(v1alpha1.EventRestored, account)
}

func TestEditedObjectsAreRepaired(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	before := s.secret("sc-orders-secret")
	const variable = "AZURE_POSTGRESQL_CONNECTIONSTRING"
	s.patchSecret(before.Name, `{"data": {"`+variable+`": "aGFja2Vk", "ADDED": "bWluZQ=="},
		"metadata": {"labels": {"team": "shop", "serviceconnector.dev/connection": "other"}, "annotations": {"note": "keep"}}}`)
	s.within(soon, "the value is put back", func() bool { return string(s.secret(before.Name).Data[variable]) == string(before.Data[variable]) })
	after := s.secret(before.Name)
	if after.Labels["team"] != "shop" || after.Annotations["note"] != "keep" || string(after.Data["ADDED"]) != "mine" {
		t.Errorf("what others added is gone: %v %v", after.Labels, after.Annotations)
	}
	if after.Labels[v1alpha1.LabelConnection] != "orders" {
		t.Errorf("the mark was not put back: %v", after.Labels)
	}
	event := s.wantOneEvent(v1alpha1.EventRepaired, before.Name)
	if event.InvolvedObject.UID != before.UID {
		t.Errorf("the event is about %v", event.InvolvedObject)
	}
	if after.Annotations[v1alpha1.AnnotationChanged] == "" {
		t.Error("nothing says when the content last changed")
	}
	// The mark of the definition, too, to whatever it is edited.
	for _, owner := range []string{`"ClusterConnection/other"`, `"nonsense"`, "null"} {
		s.patchSecret(before.Name, `{"metadata": {"annotations": {"serviceconnector.dev/owner": `+owner+`}}}`)
		s.within(soon, "the owner is put back", func() bool {
			return s.secret(before.Name).Annotations[v1alpha1.AnnotationOwner] == before.Annotations[v1alpha1.AnnotationOwner]
		})
	}
	// And the service account's identity.
	_, err := clients.CoreV1().ServiceAccounts(s.name).Patch(t.Context(), "sc-account-"+clientA, types.MergePatchType,
		[]byte(`{"metadata": {"annotations": {"azure.workload.identity/client-id": "`+clientB+`"}}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.within(soon, "the identity is put back", func() bool {
		return s.account("sc-account-" + clientA).Annotations[v1alpha1.AnnotationClientID] == clientA
	})
	s.wantOneEvent(v1alpha1.EventRepaired, "sc-account-"+clientA)
}

// Somebody who keeps on changing a Secret is not fought: after three repairs they
// come less and less often, and an event says so.
func TestAnotherWriterIsNotFought(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const name = "sc-orders-secret"
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s.patchSecret(name, `{"data": {"AZURE_POSTGRESQL_CONNECTIONSTRING": "aGFja2Vk"}}`)
	}
	event := s.wantOneEvent(v1alpha1.EventContended, name)
	if event.Type != corev1.EventTypeWarning {
		t.Errorf("the event is of type %s", event.Type)
	}
	if n := len(s.events(v1alpha1.EventRepaired, name)); n != 3 {
		t.Errorf("%d repairs in %s, want 3", n, soon)
	}
	// It is repaired when the other has stopped.
	s.eventually("the value is put back", func() bool {
		return string(s.secret(name).Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]) != "hacked"
	})
}

// Somebody who takes the mark off takes the object out of our hands.
func TestUnmarkedObjectIsLeftAlone(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const name = "sc-orders-secret"
	s.patchSecret(name, `{"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}, "data": {"AZURE_POSTGRESQL_CONNECTIONSTRING": "bWluZQ=="}}`)
	s.eventually("pods are refused", func() bool {
		_, err := s.create(annotated("orders"))
		return err != nil && contains(err, "was not made by Service Connector")
	})
	if string(s.secret(name).Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]) != "mine" {
		t.Error("an object that is not ours was written")
	}
}

// An object in a namespace that goes is not made again, and nothing of ours keeps
// the namespace.
func TestTerminatingNamespaceGoes(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	if err := clients.CoreV1().Namespaces().Delete(t.Context(), s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the namespace is gone", func() bool {
		_, err := clients.CoreV1().Namespaces().Get(t.Context(), s.name, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}
