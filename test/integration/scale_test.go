// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// On the warm path an admission costs no request of ours at all.
func TestWarmPathMakesNoRequests(t *testing.T) {
	s := newNamespace(t)
	name := connectCluster(t, map[string]string{"shop": s.name})
	s.connect("receipts", identitySpec(clientA))
	pod := annotated(name + ",receipts")
	pod.Spec.ServiceAccountName = ""
	s.mustCreate(pod) // cold
	s.wantOurs(3)
	s.wantReady("receipts", v1alpha1.ReasonReady)

	mine := func(e auditEvent) bool { return !background(e) && e.ObjectRef.Namespace == s.name }
	elsewhere := func(e auditEvent) bool { return !background(e) && e.ObjectRef.Name == name }
	cold := len(ourRequests(t, mine))
	if cold == 0 {
		t.Fatal("the audit log shows no request of ours even for the cold path")
	}
	before := len(ourRequests(t, elsewhere))
	calls := s.calls("pods")
	burst := func() {
		t.Helper()
		for range 25 {
			s.mustCreate(annotated(name + ",receipts"))
		}
	}
	burst()
	time.Sleep(12 * time.Second) // what is only noted has lapsed by then
	burst()
	if now := s.calls("pods"); now-calls != 50 {
		t.Errorf("%d calls of the webhook, want 50", now-calls)
	}
	if now := len(ourRequests(t, mine)); now != cold {
		t.Errorf("%d requests of ours for 50 warm pods", now-cold)
	}
	// Nor does it read connections or credentials that lie elsewhere.
	if now := len(ourRequests(t, elsewhere)); now != before {
		t.Errorf("%d requests of ours about connection %s for 50 warm pods", now-before, name)
	}
}

// The first pods of 200 namespaces at once: one Secret and one service account
// each, written once, and no pod refused.
func TestFirstPodsOf200Namespaces(t *testing.T) {
	const namespaces, pods = 200, 2
	group := "herd-" + random(t)
	name := connectCluster(t, map[string]string{"herd": group})
	shared := identitySpec(clientA)
	shops := make([]*shop, namespaces)
	for i := range shops {
		shops[i] = newNamespace(t)
		shops[i].connect("receipts", shared)
		shops[i].label("herd", group)
	}

	var wait sync.WaitGroup
	errs := make(chan error, namespaces*pods)
	start := make(chan struct{})
	for _, s := range shops {
		for range pods {
			wait.Go(func() {
				<-start
				pod := annotated(name + ",receipts")
				if _, err := clients.CoreV1().Pods(s.name).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
					errs <- err
				}
			})
		}
	}
	close(start)
	wait.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("refused: %v", err)
	}
	for _, s := range shops {
		s.wantOurs(3) // two Secrets, one service account
		for _, pod := range s.pods("", pods) {
			s.wantSources(pod.Spec.Containers[0], "sc-"+name+"-secret sc-receipts-secret")
			if pod.Spec.ServiceAccountName != "sc-account-"+clientA {
				t.Errorf("service account %q", pod.Spec.ServiceAccountName)
			}
		}
	}
	mine := map[string]bool{}
	for _, s := range shops {
		mine[s.name] = true
	}
	writes := ourRequests(t, func(e auditEvent) bool {
		return mine[e.ObjectRef.Namespace] && (e.Verb == "patch" || e.Verb == "create") && e.ObjectRef.Resource != "connections"
	})
	if len(writes) != 3*namespaces {
		t.Errorf("%d writes, want %d: one an object", len(writes), 3*namespaces)
	}
}

// label sets a label of the namespace.
func (s *shop) label(key, value string) {
	s.t.Helper()
	namespace, err := clients.CoreV1().Namespaces().Get(s.t.Context(), s.name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	namespace.Labels[key] = value
	if _, err := clients.CoreV1().Namespaces().Update(s.t.Context(), namespace, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// Fifty pods of one cold namespace at once make one of each object.
func TestHerdOnOneNamespace(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := s.create(annotated("receipts")); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
	wait.Wait()
	writes := ourRequests(t, func(e auditEvent) bool {
		return e.ObjectRef.Namespace == s.name && (e.Verb == "patch" || e.Verb == "create") && e.ObjectRef.Resource != "connections"
	})
	if len(writes) != 2 {
		t.Errorf("%d writes, want 2: %+v", len(writes), writes)
	}
}

// A definition that changes is provisioned anew with the next pod.
func TestChangedDefinition(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	s.kubectl("patch", "connection", "receipts", "--type=merge", "-p", `{"spec":{"target":{"parameters":{"account":"other"}}}}`)
	s.eventually("the Secret follows", func() bool {
		s.mustCreate(annotated("receipts"))
		secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-receipts-secret", metav1.GetOptions{})
		return err == nil && string(secret.Data["AZURE_STORAGEBLOB_RESOURCEENDPOINT"]) == "https://other.blob.core.windows.net/"
	})
}

// So is one that is of another service now; the type of a Secret stays, as it must.
func TestChangedService(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("orders"))
	s.mustCreate(annotated("orders"))
	var c v1alpha1.Connection
	if err := objects.Get(t.Context(), key(s.name, "orders"), &c); err != nil {
		t.Fatal(err)
	}
	c.Spec = identitySpec(clientA)
	if err := objects.Update(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	s.eventually("the Secret is that of the new service, and nothing else", func() bool {
		s.mustCreate(annotated("orders"))
		secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-orders-secret", metav1.GetOptions{})
		return err == nil && len(secret.Data) == 2 && string(secret.Data["AZURE_STORAGEBLOB_CLIENTID"]) == clientA
	})
	// What was created counts as applied by now, or it could not have gone.
	for _, entry := range s.secret("sc-orders-secret").ManagedFields {
		if entry.Manager == v1alpha1.ManagedBy && entry.Operation != metav1.ManagedFieldsOperationApply {
			t.Errorf("fields are still owned by %s: %s", entry.Operation, entry.FieldsV1)
		}
	}
}
