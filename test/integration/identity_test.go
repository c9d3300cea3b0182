// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// identityWebhook stands for azure-workload-identity, which cannot be had here:
// a configuration of its very name, with its selector and its policies, that
// records the pods it is called for.
type identityWebhook struct {
	server *httptest.Server

	mu   sync.Mutex
	pods []corev1.Pod
}

const identityConfiguration = "azure-wi-webhook-mutating-webhook-configuration"

func startIdentityWebhook(ctx context.Context) (*identityWebhook, error) {
	w := &identityWebhook{}
	w.server = httptest.NewTLSServer(http.HandlerFunc(w.answer))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw})
	_, err := clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: identityConfiguration},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    "mutation.azure-workload-identity.io",
			AdmissionReviewVersions: []string{"v1"},
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: new(w.server.URL), CABundle: ca},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
			ObjectSelector:     &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelWorkloadIdentity: "true"}},
			FailurePolicy:      new(admissionregistrationv1.Fail),
			ReinvocationPolicy: new(admissionregistrationv1.IfNeededReinvocationPolicy),
			SideEffects:        new(admissionregistrationv1.SideEffectClassNone),
		}},
	}, metav1.CreateOptions{})
	return w, err
}

func (w *identityWebhook) answer(out http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	var pod corev1.Pod
	if json.NewDecoder(r.Body).Decode(&review) != nil || json.Unmarshal(review.Request.Object.Raw, &pod) != nil {
		http.Error(out, "no review of a pod", http.StatusBadRequest)
		return
	}
	pod.Namespace = review.Request.Namespace
	w.mu.Lock()
	w.pods = append(w.pods, pod)
	w.mu.Unlock()
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	_ = json.NewEncoder(out).Encode(review)
}

// calls returns the pods of a namespace that the webhook was called for.
func (w *identityWebhook) calls(namespace string) []corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	var pods []corev1.Pod
	for _, pod := range w.pods {
		if pod.Namespace == namespace {
			pods = append(pods, pod)
		}
	}
	return pods
}

// Our configuration sorts before that of azure-workload-identity, so that it
// sees our label and our service account, in the same round.
func TestWorkloadIdentityWebhookIsCalledAfterUs(t *testing.T) {
	shop := newNamespace(t)
	shop.connect("receipts", identitySpec(clientA))
	created := shop.mustCreate(annotated("receipts"))

	calls := identities.calls(shop.name)
	if len(calls) != 1 {
		t.Fatalf("called %d times for pod %s, want once", len(calls), created.Name)
	}
	if calls[0].Labels[v1alpha1.LabelWorkloadIdentity] != "true" || calls[0].Spec.ServiceAccountName != "sc-account-"+clientA {
		t.Errorf("it saw labels %v and service account %q", calls[0].Labels, calls[0].Spec.ServiceAccountName)
	}
	shop.connect("orders", secretSpec("orders"))
	shop.credentials("orders", map[string]string{"password": "p"})
	shop.mustCreate(annotated("orders"))
	if calls := identities.calls(shop.name); len(calls) != 1 {
		t.Errorf("called for a pod without an identity")
	}
}
