// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const clientID = "11111111-2222-3333-4444-555555555555"

// identity turns the connection into one with a workload identity.
func (w *world) identity(t *testing.T) {
	w.Connection.Spec.Target = v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "a"}}
	w.Connection.Spec.Client = "none"
	w.Connection.Spec.Auth = v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID}}
	w.workload(t)
}

// annotatedBy is what managed fields say of somebody who annotated.
func annotatedBy(manager, api string, at metav1.Time) []metav1.ManagedFieldsEntry {
	return []metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: api, FieldsType: "FieldsV1", Time: &at,
		FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:annotations":{"f:serviceconnector.dev/connections":{}}}}`)}}
}

func TestExplain(t *testing.T) {
	lost := metav1.NewTime(now.Add(-2 * time.Hour))
	for name, test := range map[string]struct {
		target string
		fault  func(*testing.T, *world)
		// cause and detail are of the finding that must be named.
		cause, detail string
		result        Result
	}{
		"nothing asked": {fault: func(_ *testing.T, w *world) { w.unasked() },
			cause: "annotation", detail: "neither deployment/orders nor its pods carry"},
		"misspelt key": {fault: func(_ *testing.T, w *world) {
			w.unasked()
			w.Deployment.Annotations = map[string]string{"serviceconnector.dev/connection": "orders-db"}
			delete(w.Deployment.Annotations, "serviceconnector.dev/connection")
			w.Deployment.Annotations["serviceconector.dev/connections"] = "orders-db"
		}, cause: "annotation", detail: `annotation "serviceconector.dev/connections", which is not read`},
		"singular key": {fault: func(_ *testing.T, w *world) {
			w.unasked()
			w.Deployment.Spec.Template.Annotations = map[string]string{"serviceconnector.dev/conections": "orders-db"}
		}, cause: "annotation", detail: `the pod template of deployment/orders has annotation "serviceconnector.dev/conections"`},
		"label instead of annotation": {fault: func(_ *testing.T, w *world) {
			w.unasked()
			w.Deployment.Labels = map[string]string{v1alpha1.AnnotationConnections: "orders-db"}
		}, cause: "annotation", detail: "as label, where it does nothing"},
		"annotation on the namespace": {fault: func(_ *testing.T, w *world) {
			w.unasked()
			w.Namespace.Annotations = map[string]string{v1alpha1.AnnotationConnections: "orders-db"}
		}, cause: "annotation", detail: "namespace/shop has"},
		"malformed annotation": {fault: func(_ *testing.T, w *world) {
			w.Deployment.Spec.Template.Annotations[v1alpha1.AnnotationConnections] = "Orders_DB"
		}, cause: "annotation", detail: "is no connection name"},
		"namespace of AKS": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Namespace.Labels["kubernetes.azure.com/managedby"] = "aks"
		}, cause: "namespace selected", detail: "kubernetes.azure.com/managedby=aks"},
		"namespace not selected": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.webhook(v1alpha1.PodsWebhook).NamespaceSelector.MatchLabels = map[string]string{"inject": "yes"}
		}, cause: "namespace selected", detail: "namespaceSelector"},
		"pods not selected": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.webhook(v1alpha1.PodsWebhook).ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"inject": "yes"}}
		}, cause: "namespace selected", detail: "objectSelector"},
		"no webhook configuration": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Configuration = nil
		}, cause: "webhook configuration", detail: "no MutatingWebhookConfiguration"},
		"webhook for workloads removed": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Configuration.Webhooks = w.Configuration.Webhooks[:1]
		}, cause: "webhook configuration", detail: "lacks workloads.serviceconnector.dev"},
		"rule removed": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.webhook(v1alpha1.PodsWebhook).Rules[0].Resources = []string{"configmaps"}
		}, cause: "webhook rules", detail: "pods.serviceconnector.dev"},
		"matchConditions changed": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.webhook(v1alpha1.PodsWebhook).MatchConditions[0].Expression = "false"
		}, cause: "webhook matchConditions", detail: "pods.serviceconnector.dev"},
		"no caBundle": {fault: func(_ *testing.T, w *world) { w.webhook(v1alpha1.PodsWebhook).ClientConfig.CABundle = nil },
			cause: "webhook caBundle", detail: "is empty"},
		"expired caBundle": {fault: func(t *testing.T, w *world) {
			w.webhook(v1alpha1.PodsWebhook).ClientConfig.CABundle = authority(t, now.Add(-time.Hour))
		}, cause: "webhook caBundle", detail: "expired on 2026-11-01"},
		"no endpoints": {fault: func(_ *testing.T, w *world) { w.Endpoints.Endpoints[0].Conditions.Ready = new(false) },
			cause: "webhook reachable", detail: "no ready endpoint"},
		"connection unknown": {fault: func(_ *testing.T, w *world) {
			w.Deployment.Spec.Template.Annotations[v1alpha1.AnnotationConnections] = "orders-bd"
		}, cause: "connection orders-bd", detail: `did you mean "orders-db"?`},
		"connection not allowed": {fault: func(_ *testing.T, w *world) { delete(w.Namespace.Labels, "team") },
			cause: "connection orders-db", detail: "does not allow namespace"},
		"connection not ready": {fault: func(_ *testing.T, w *world) {
			w.Connection.Status.Conditions[0] = metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonCredentialsNotFound, Message: "Secret is not there", ObservedGeneration: 1}
		}, cause: "connection orders-db", detail: "CredentialsNotFound: Secret is not there"},
		"connection that means nothing": {fault: func(_ *testing.T, w *world) { w.Connection.Spec.Target.Service = "postgress-flexible" },
			cause: "connection orders-db", detail: "UnknownService"},
		"sorted after azure-workload-identity": {fault: func(t *testing.T, w *world) {
			w.identity(t)
			w.More = append(w.More, &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "a-azure-workload-identity"}})
		}, cause: "webhook order", detail: "does not see the label"},
		"template not copied": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Deployment.Spec.Template.Annotations = nil
			w.Deployment.ManagedFields = annotatedBy("kubectl-annotate", "apps/v1", lost)
		}, cause: "copied to the template", detail: "kubectl-annotate set it at 2026-11-01T10:00:00Z, before the webhook was installed"},
		"template wins": {fault: func(_ *testing.T, w *world) {
			w.Deployment.Annotations = map[string]string{v1alpha1.AnnotationConnections: "other"}
			w.Deployment.Spec.Template.Annotations = map[string]string{v1alpha1.AnnotationConnections: "orders-db"}
		}, cause: "copied to the template", detail: "which wins over"},
		"unknown container": {fault: func(_ *testing.T, w *world) {
			w.Deployment.Spec.Template.Annotations[v1alpha1.AnnotationContainers] = "web"
		}, cause: "agreement", detail: `names container "web"`},
		"secret is foreign": {fault: func(_ *testing.T, w *world) { w.Secret.Labels = nil },
			cause: "Secret sc-orders-db-secret", detail: "was not made by Service Connector"},
		"secret of another connection": {fault: func(_ *testing.T, w *world) { w.Secret.Labels[v1alpha1.LabelConnection] = "reports" },
			cause: "Secret sc-orders-db-secret", detail: `belongs to connection "reports"`},
		"secret deleted": {fault: func(_ *testing.T, w *world) { w.Secret = nil },
			cause: "Secret sc-orders-db-secret", detail: "somebody deleted it"},
		"service account with another client id": {fault: func(t *testing.T, w *world) {
			w.identity(t)
			w.Deployment.Spec.Template.Spec.ServiceAccountName = "web"
			w.More = append(w.More, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}})
		}, cause: "service account web", detail: "needs " + clientID},
		"service account that is not there": {fault: func(t *testing.T, w *world) {
			w.identity(t)
			w.Deployment.Spec.Template.Spec.ServiceAccountName = "web"
		}, cause: "service account web", detail: "does not exist"},
		"refused by us": {fault: func(_ *testing.T, w *world) {
			w.refused(`Error creating: admission webhook "pods.serviceconnector.dev" denied the request: connection "orders-db" is not ready: why`)
		}, cause: "refused pods", detail: `Service Connector refused the pod: connection "orders-db" is not ready: why`},
		"refused pod by the name it would have had": {target: "orders-1-zzzzz", fault: func(_ *testing.T, w *world) {
			w.refused(`Error creating: Internal error occurred: failed calling webhook "pods.serviceconnector.dev": failed to call webhook: connection refused`)
		}, cause: "refused pods", detail: "could not call Service Connector"},
		"refused by another webhook": {fault: func(_ *testing.T, w *world) {
			w.refused(`Error creating: admission webhook "policy.example.com" denied the request: no`)
		}, cause: "refused pods", detail: "another webhook, policy.example.com"},
		"paused": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Deployment.Spec.Paused = true
		}, cause: "rollout", detail: "is paused"},
		"pod older than the webhook": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Pod.CreationTimestamp = lost
		}, cause: "pod orders-1-a", detail: "older than the webhook's configuration"},
		"pod older than the annotation": {fault: func(_ *testing.T, w *world) {
			w.strip()
			w.Pod.Annotations = nil
		}, cause: "pod orders-1-a", detail: "older than the annotation"},
		"pod annotated while it ran": {target: "bare", fault: func(_ *testing.T, w *world) {
			late := metav1.NewTime(now)
			w.strip()
			w.Pod.Name, w.Pod.OwnerReferences = "bare", nil
			w.Pod.ManagedFields = annotatedBy("kubectl", "v1", late)
		}, cause: "pod bare", detail: "annotated when it ran already"},
		"injection removed": {fault: func(_ *testing.T, w *world) { w.Pod.Spec.Containers[0].EnvFrom = nil },
			cause: "pod orders-1-a", detail: "lacks envFrom of the Secret"},
		"old revision": {result: Warning, fault: func(_ *testing.T, w *world) {
			w.Pod.Annotations[v1alpha1.AnnotationInjected] = "orders-db@000000000000"
		}, cause: "pod orders-1-a", detail: "older revision of orders-db"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.fault(t, w)
			text, result := test.target, test.result
			if text == "" {
				text = "deployment/orders"
			}
			if result == "" {
				result = Failure
			}
			target, err := ParseTarget("shop", text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Explain(t.Context(), w.reader(t), target, now)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cause == nil || got.Cause.Check != test.cause || got.Cause.Result != result || !strings.Contains(got.Cause.Detail, test.detail) {
				t.Errorf("cause = %+v\nwant %s %s: …%s…\nin %+v", got.Cause, result, test.cause, test.detail, got.Findings)
			}
		})
	}
}

func TestExplainHealthy(t *testing.T) {
	for _, text := range []string{"deployment/orders", "orders-1-a", "rs/orders-1"} {
		target, err := ParseTarget("shop", text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Explain(t.Context(), newWorld(t).reader(t), target, now)
		if err != nil {
			t.Fatal(err)
		}
		if got.Cause != nil {
			t.Errorf("%s: cause = %+v, want none", text, *got.Cause)
		}
	}
}
