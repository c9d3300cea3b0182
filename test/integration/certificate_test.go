// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/test/product"
)

const authoritySecret = "service-connector-ca"

func configuration(t *testing.T) *admissionregistrationv1.MutatingWebhookConfiguration {
	t.Helper()
	c, err := clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), configurationName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// authorities returns the certificates in the published caBundle.
func authorities(t *testing.T) []*x509.Certificate {
	t.Helper()
	var all []*x509.Certificate
	rest := configuration(t).Webhooks[0].ClientConfig.CABundle
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, certificate)
	}
}

// signer returns which of the published authorities signed the certificate that
// is served now.
func signer(t *testing.T) *x509.Certificate {
	t.Helper()
	response, _ := send(t, "application/json", "{}")
	for _, authority := range authorities(t) {
		if response.TLS.PeerCertificates[0].CheckSignatureFrom(authority) == nil {
			return authority
		}
	}
	t.Fatal("no published authority signed what is served")
	return nil
}

// A new authority is published beside the old one, and signs only after that:
// no pod is refused in between.
func TestAuthorityRotation(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	old := signer(t)
	_, err := clients.CoreV1().Secrets(product.Namespace).Patch(t.Context(), authoritySecret, types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"serviceconnector.dev/rotate":"now"}}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(90 * time.Second)
	created, both := 0, false
	for ; signer(t).Equal(old); created++ {
		if time.Now().After(deadline) {
			t.Fatal("the old authority still signs")
		}
		both = both || len(authorities(t)) == 2
		s.mustCreate(annotated("receipts"))
	}
	for range 20 {
		s.mustCreate(annotated("receipts"))
	}
	if !both {
		t.Error("the two authorities were never published together")
	}
	if created < 20 {
		t.Errorf("only %d pods created meanwhile", created)
	}
	response := get(t, installed.Health)
	if response.StatusCode != 200 {
		t.Errorf("not ready: %s", response.Status)
	}
}

// A caBundle that somebody emptied is put back, and nothing else in the
// configuration is ours.
func TestCABundleIsRepaired(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	before := configuration(t)
	emptied := before.DeepCopy()
	for i := range emptied.Webhooks {
		emptied.Webhooks[i].ClientConfig.CABundle = nil
	}
	if _, err := clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Update(t.Context(), emptied, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the caBundle is back", func() bool {
		for _, webhook := range configuration(t).Webhooks {
			if len(webhook.ClientConfig.CABundle) == 0 {
				return false
			}
		}
		return true
	})
	s.eventually("pods are admitted", func() bool {
		_, err := s.create(annotated("receipts"))
		return err == nil
	})
	for _, entry := range configuration(t).ManagedFields {
		if entry.Manager != "service-connector-certs" {
			continue
		}
		want := `{"f:webhooks":{"k:{\"name\":\"cronjobs.serviceconnector.dev\"}":{"f:clientConfig":{"f:caBundle":{}}},` +
			`"k:{\"name\":\"pods.serviceconnector.dev\"}":{"f:clientConfig":{"f:caBundle":{}}},` +
			`"k:{\"name\":\"workloads.serviceconnector.dev\"}":{"f:clientConfig":{"f:caBundle":{}}}}}`
		if got := entry.FieldsV1.GetRawString(); got != want {
			t.Errorf("we own %s", got)
		}
	}
}

// An outage of the API server ends neither the process nor its readiness, and
// one that starts during it waits.
func TestAPIOutage(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	if err := controlPlane.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(20 * time.Second) // longer than a lease, or two looks at the certificate
	for time.Now().Before(until) {
		if response := get(t, installed.Health); response.StatusCode != 200 {
			t.Errorf("not ready: %s", response.Status)
			break
		}
		time.Sleep(time.Second)
	}
	if response := s.reviewOffline(t, "receipts"); !response.Allowed || len(response.Patch) == 0 {
		t.Errorf("a warm pod is not injected while the API server is away: %+v", response)
	}
	if err := controlPlane.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually("pods are admitted", func() bool {
		_, err := s.create(annotated("receipts"))
		return err == nil
	})
	// The tests that follow need the controller-manager.
	eventually(t, "a new namespace gets its service account", func() bool {
		name := "t-" + random(t)
		_, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := clients.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", metav1.GetOptions{}); err == nil {
				return true
			}
			time.Sleep(100 * time.Millisecond)
		}
		return false
	})
}

// A webhook that was killed comes back with the authorities that are published,
// and is ready only when what it serves is trusted.
func TestRestart(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	before := authorities(t)
	if err := installed.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.create(annotated("receipts")); err == nil {
		t.Error("a pod was admitted without the webhook")
	}
	unannotated := annotated("x")
	unannotated.Annotations = nil
	s.mustCreate(unannotated)
	if err := installed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mustCreate(annotated("receipts"))
	after := authorities(t)
	if !slices.EqualFunc(before, after, (*x509.Certificate).Equal) {
		t.Errorf("%d authorities were published before the restart, %d others after", len(before), len(after))
	}
	signer(t)
}
