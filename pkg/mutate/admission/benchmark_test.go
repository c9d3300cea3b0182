// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// maxAllocations is how much the warm path may allocate for one pod of 4 KB, from
// the request as the server hands it over to the answer. It keeps what is there from
// growing.
const maxAllocations = 60

func TestAllocations(t *testing.T) {
	call := answering(t, warm(newWorld(t)), review(t, 3))
	if got := testing.AllocsPerRun(100, call); got > maxAllocations {
		t.Errorf("%.0f allocations for one admission, want at most %d", got, maxAllocations)
	}
}

// The way of a pod whose connection is provisioned, from the request as the server
// hands it over to the answer.
func BenchmarkWarmPod(b *testing.B) {
	for _, containers := range []int{3, 50, 500, 5000} {
		b.Run(fmt.Sprintf("containers=%d", containers), func(b *testing.B) {
			call := answering(b, warm(newWorld(b)), review(b, containers))
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
}

// The way that most webhooks take: decode into Kubernetes' types, change, encode, and
// have controller-runtime find the differences.
func BenchmarkUsualWay(b *testing.B) {
	log.SetLogger(logr.Discard()) // else it complains amid the figures
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	decoder := admission.NewDecoder(scheme)
	handler, err := admission.StandaloneWebhook(&admission.Webhook{Handler: admission.HandlerFunc(func(_ context.Context, r admission.Request) admission.Response {
		pod := &corev1.Pod{}
		if err := decoder.Decode(r, pod); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		pod.Annotations["serviceconnector.dev/injected"] = "a@0123456789ab"
		pod.Labels["azure.workload.identity/use"] = "true"
		pod.Spec.ServiceAccountName = "sc-account-" + clientID
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].EnvFrom = append(pod.Spec.Containers[i].EnvFrom, corev1.EnvFromSource{
				SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "sc-a-secret"}}})
		}
		raw, err := json.Marshal(pod)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, err)
		}
		return admission.PatchResponseFromRaw(r.Object.Raw, raw)
	})}, admission.StandaloneOptions{})
	if err != nil {
		b.Fatal(err)
	}
	call := answering(b, handler, review(b, 3))
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

// warm is the endpoint of pods in a world where all is provisioned.
func warm(w *world) http.Handler {
	endpoint := &Endpoint{Name: "pods", Decider: &Pods{Directory: w, Provisioner: w, Inspector: w}, Observer: &observer{}, Log: logr.Discard()}
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.made = w.made[:0]
		endpoint.ServeHTTP(out, r)
	})
}

// review returns the review of a pod as the API server sends it: with managed fields
// and a token volume. With three containers the pod has 4 KB.
func review(t testing.TB, containers int) []byte {
	t.Helper()
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-6f885bb76d-", Namespace: "shop",
			Labels: map[string]string{"app": "web", "pod-template-hash": "6f885bb76d"}, Annotations: map[string]string{"serviceconnector.dev/connections": "a"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", Operation: "Update", FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{` + strings.Repeat(`"f:x":{},`, 150) + `"f:y":{}}}`)}}},
		Spec: corev1.PodSpec{ServiceAccountName: "default", RestartPolicy: corev1.RestartPolicyAlways, DNSPolicy: corev1.DNSClusterFirst},
	}
	for i := range containers {
		container := corev1.Container{Name: fmt.Sprint("app", i), Image: "example.com/web:1", VolumeMounts: []corev1.VolumeMount{
			{Name: "kube-api-access", ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}}}
		for j := range 8 {
			container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", j), Value: "some value"})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, container)
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: reviewVersion, Kind: reviewKind},
		Request: &admissionv1.AdmissionRequest{UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Namespace: "shop", Operation: admissionv1.Create,
			Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Object: runtime.RawExtension{Raw: raw}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// answering returns a function that has a handler answer a review.
func answering(t testing.TB, handler http.Handler, body []byte) func() {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/mutate-pods?timeout=10s", http.NoBody)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(body))
	reader, answer := bytes.NewReader(body), &recorded{header: http.Header{}}
	r.Body = io.NopCloser(reader)
	return func() {
		reader.Reset(body)
		answer.body = answer.body[:0]
		handler.ServeHTTP(answer, r)
		if !bytes.Contains(answer.body, []byte(`"allowed":true`)) || !bytes.Contains(answer.body, []byte(`"patch":`)) {
			t.Fatalf("got %s", answer.body)
		}
	}
}

// recorded takes an answer and allocates nothing.
type recorded struct {
	header http.Header
	body   []byte
}

func (a *recorded) Header() http.Header             { return a.header }
func (a *recorded) SetReadDeadline(time.Time) error { return nil }
func (a *recorded) WriteHeader(int)                 {}
func (a *recorded) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}
