// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

var (
	appLabels   = map[string]string{"app": "web"}
	appSelector = &metav1.LabelSelector{MatchLabels: appLabels}
)

// template is a pod template with init containers, several containers, and
// sources and variables of its author.
func template(annotations map[string]string) corev1.PodTemplateSpec {
	own := []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "own"}}}}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: appLabels, Annotations: annotations},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "migrate", Image: "example.com/migrate"}},
			Containers: []corev1.Container{
				{Name: "app", Image: "example.com/app", EnvFrom: own, Env: []corev1.EnvVar{{Name: "AZURE_STORAGEBLOB_CLIENTID", Value: "own"}}},
				{Name: "sidecar", Image: "example.com/sidecar"},
			},
		},
	}
}

// Every kind of workload, annotated on the workload, gives its pods the
// connections. What its author wrote stays, and stays the stronger.
func TestEveryKind(t *testing.T) {
	asked := map[string]string{
		v1alpha1.AnnotationConnections:              "orders, receipts",
		v1alpha1.AnnotationContainers:               "migrate,app",
		v1alpha1.AnnotationEnvPrefix + "orders":     "ORDERS_",
		"example.com/someone":                       "else's",
		v1alpha1.AnnotationEnvPrefix + "not-listed": "X_",
	}
	jobTemplate := template(nil)
	jobTemplate.Spec.RestartPolicy = corev1.RestartPolicyNever
	kinds := map[string]func(metav1.ObjectMeta) client.Object{
		"Deployment": func(m metav1.ObjectMeta) client.Object {
			return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{Selector: appSelector, Template: template(nil)}}
		},
		"StatefulSet": func(m metav1.ObjectMeta) client.Object {
			return &appsv1.StatefulSet{ObjectMeta: m, Spec: appsv1.StatefulSetSpec{Selector: appSelector, Template: template(nil)}}
		},
		"DaemonSet": func(m metav1.ObjectMeta) client.Object {
			return &appsv1.DaemonSet{ObjectMeta: m, Spec: appsv1.DaemonSetSpec{Selector: appSelector, Template: template(nil)}}
		},
		"ReplicaSet": func(m metav1.ObjectMeta) client.Object {
			return &appsv1.ReplicaSet{ObjectMeta: m, Spec: appsv1.ReplicaSetSpec{Selector: appSelector, Template: template(nil)}}
		},
		"Job": func(m metav1.ObjectMeta) client.Object {
			return &batchv1.Job{ObjectMeta: m, Spec: batchv1.JobSpec{Template: jobTemplate}}
		},
		"CronJob": func(m metav1.ObjectMeta) client.Object {
			return &batchv1.CronJob{ObjectMeta: m, Spec: batchv1.CronJobSpec{Schedule: "0 0 29 2 *",
				JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: jobTemplate}}}}
		},
		"Pod": func(m metav1.ObjectMeta) client.Object {
			pod := &corev1.Pod{ObjectMeta: m, Spec: template(nil).Spec}
			pod.Name, pod.GenerateName, pod.Labels = "", "bare-", appLabels
			return pod
		},
	}
	for kind, build := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newNamespace(t)
			s.credentials("orders", map[string]string{"password": "p"})
			s.connect("orders", secretSpec("orders"))
			s.connect("receipts", identitySpec(clientA))
			object := build(metav1.ObjectMeta{Namespace: s.name, Name: "web", Annotations: asked})
			if err := objects.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			if kind == "DaemonSet" {
				s.makeNode()
			}
			if kind == "CronJob" {
				if _, err := controlPlane.Kubectl(t.Context(), "-n", s.name, "create", "job", "--from=cronjob/web", "web"); err != nil {
					t.Fatal(err)
				}
			}
			s.wantConnected(s.pods("app=web", 1)[0])
		})
	}
}

// makeNode makes the node that a DaemonSet needs to have pods at all. No kubelet
// stands behind it, so that it counts as unreachable after a minute.
func (s *shop) makeNode() {
	s.t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: s.name}}
	if err := objects.Create(s.t.Context(), node); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = objects.Delete(context.Background(), node) })
}

// wantConnected asserts what TestEveryKind asks for.
func (s *shop) wantConnected(pod corev1.Pod) {
	s.t.Helper()
	const secrets = "ORDERS_:sc-orders-secret sc-receipts-secret"
	s.wantSources(pod.Spec.InitContainers[0], secrets)
	s.wantSources(pod.Spec.Containers[0], secrets+" own")
	s.wantSources(pod.Spec.Containers[1], "")
	if pod.Spec.ServiceAccountName != "sc-account-"+clientA || pod.Spec.DeprecatedServiceAccount != "sc-account-"+clientA {
		s.t.Errorf("service account %q (%q)", pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount)
	}
	if pod.Labels[v1alpha1.LabelWorkloadIdentity] != "true" || pod.Labels["app"] != "web" {
		s.t.Errorf("labels %v", pod.Labels)
	}
	if env := pod.Spec.Containers[0].Env; len(env) != 1 || env[0].Value != "own" {
		s.t.Errorf("the author's env became %v", env)
	}
	if done := pod.Annotations[v1alpha1.AnnotationInjected]; !strings.HasPrefix(done, "orders@") || !strings.Contains(done, ",receipts@") {
		s.t.Errorf("annotation %s=%q", v1alpha1.AnnotationInjected, done)
	}
	s.wantProvisioned()
}

// wantProvisioned asserts the objects of the connections orders and receipts.
func (s *shop) wantProvisioned() {
	s.t.Helper()
	secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), "sc-orders-secret", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	want := "dbname=orders host=orders.postgres.database.azure.com port=5432 sslmode=require user=app password=p-" + canary
	if got := string(secret.Data["AZURE_POSTGRESQL_CONNECTIONSTRING"]); got != want {
		s.t.Errorf("the Secret's connection string is not what it should be")
	}
	if secret.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || secret.Labels[v1alpha1.LabelConnection] != "orders" ||
		secret.Annotations[v1alpha1.AnnotationOwner] != "Connection/"+s.name+"/orders" {
		s.t.Errorf("the Secret has the marks %v %v", secret.Labels, secret.Annotations)
	}
	account, err := clients.CoreV1().ServiceAccounts(s.name).Get(s.t.Context(), "sc-account-"+clientA, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	if account.Annotations[v1alpha1.AnnotationClientID] != clientA || account.Annotations[v1alpha1.AnnotationTenantID] != tenant ||
		account.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
		s.t.Errorf("the service account has %v %v", account.Labels, account.Annotations)
	}
	for _, entry := range secret.ManagedFields {
		if entry.Manager != v1alpha1.ManagedBy {
			s.t.Errorf("written by %s (%s)", entry.Manager, entry.Operation)
		}
	}
}

// A ReplicaSet of a Deployment is never touched: it carries its Deployment's
// annotations, and a changed template would make the Deployment create another
// one without end.
func TestOwnedReplicaSetIsLeftAlone(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "web", Annotations: map[string]string{v1alpha1.AnnotationConnections: "receipts"}},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(3)), Selector: appSelector, Template: template(nil)},
	}
	if err := objects.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	pods := s.pods("app=web", 3)
	sets, err := clients.AppsV1().ReplicaSets(s.name).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sets.Items) != 1 {
		t.Errorf("%d ReplicaSets, want 1", len(sets.Items))
	}
	for _, pod := range pods {
		if pod.Labels["pod-template-hash"] != sets.Items[0].Labels["pod-template-hash"] {
			t.Errorf("pod %s lost its hash: %v", pod.Name, pod.Labels)
		}
	}
}

// A Job takes its annotation from wherever it comes, also where a controller
// made it: nothing compares a Job's template.
func TestJobOfAController(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	spec := template(nil)
	spec.Spec.RestartPolicy = corev1.RestartPolicyNever
	cron := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "web"},
		Spec: batchv1.CronJobSpec{Schedule: "0 0 29 2 *", JobTemplate: batchv1.JobTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationConnections: "receipts"}},
			Spec:       batchv1.JobSpec{Template: spec}}}}
	if err := objects.Create(t.Context(), cron); err != nil {
		t.Fatal(err)
	}
	s.kubectl("create", "job", "--from=cronjob/web", "web")
	s.wantSources(s.pods("app=web", 1)[0].Spec.Containers[1], "sc-receipts-secret")
}
