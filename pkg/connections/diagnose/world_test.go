// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

var (
	now       = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	installed = metav1.NewTime(now.Add(-time.Hour))
	created   = metav1.NewTime(now.Add(-10 * time.Minute))
)

// world is a cluster in which deployment/orders in namespace shop has its
// connection orders-db. A test breaks it.
type world struct {
	Namespace     *corev1.Namespace
	Configuration *admissionregistrationv1.MutatingWebhookConfiguration
	Endpoints     *discoveryv1.EndpointSlice
	Connection    *v1alpha1.ClusterConnection
	Credentials   *corev1.Secret
	Secret        *corev1.Secret
	Deployment    *appsv1.Deployment
	ReplicaSet    *appsv1.ReplicaSet
	Pod           *corev1.Pod
	More          []client.Object
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop",
			Labels: map[string]string{"team": "shop", corev1.LabelMetadataName: "shop"}}},
		Endpoints: &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Name: "sc", Namespace: home, Labels: map[string]string{discoveryv1.LabelServiceName: "service-connector"}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}},
		},
		Credentials: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "orders-db", Namespace: home}, Data: map[string][]byte{"password": []byte("p")}},
	}
	w.Configuration = shippedConfiguration()
	w.Configuration.CreationTimestamp = installed
	for i := range w.Configuration.Webhooks {
		w.Configuration.Webhooks[i].ClientConfig.CABundle = authority(t, now.Add(time.Hour))
	}
	w.Connection = &v1alpha1.ClusterConnection{
		ObjectMeta: metav1.ObjectMeta{Name: "orders-db", Generation: 1},
		Spec: v1alpha1.ClusterConnectionSpec{
			ConnectionSpec: v1alpha1.ConnectionSpec{
				Target: v1alpha1.Target{Service: "postgres-flexible", Parameters: map[string]v1alpha1.Parameter{"server": "orders", "database": "orders", "user": "app"}},
				Client: "python",
				Auth:   v1alpha1.Auth{Type: v1alpha1.AuthSecret, SecretRef: &v1alpha1.SecretReference{Name: "orders-db"}},
			},
			AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector,
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}},
		},
		Status: v1alpha1.ConnectionStatus{Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, ObservedGeneration: 1}}},
	}
	w.workload(t)
	return w
}

func (w *world) binding(t *testing.T) *connections.Binding {
	t.Helper()
	b, err := connections.Bind(connections.FromClusterConnection(w.Connection))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// workload makes what a healthy cluster makes of an annotated Deployment.
func (w *world) workload(t *testing.T) {
	t.Helper()
	b := w.binding(t)
	asks := map[string]string{v1alpha1.AnnotationConnections: "orders-db"}
	app := map[string]string{"app": "orders"}
	container := corev1.Container{Name: "orders", Image: "example.com/orders"}
	w.Secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: b.Secret, Namespace: "shop",
		Labels:      map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelConnection: "orders-db"},
		Annotations: map[string]string{v1alpha1.AnnotationOwner: b.Definition.Owner(), v1alpha1.AnnotationRevision: b.Revision}}}
	w.Secret.Data = map[string][]byte{}
	for _, key := range b.Variables {
		w.Secret.Data[key] = []byte("v")
	}
	w.Deployment = &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "orders", Namespace: "shop", UID: "d", Annotations: asks, CreationTimestamp: created},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: app, Annotations: map[string]string{v1alpha1.AnnotationConnections: "orders-db", v1alpha1.AnnotationCopied: "connections:4e405455"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{container}}}},
	}
	w.ReplicaSet = &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "orders-1", Namespace: "shop", UID: "r", Labels: app,
		OwnerReferences: []metav1.OwnerReference{controller("Deployment", "orders", "d")}}}
	container.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: b.Secret}}}}
	w.Pod = &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "orders-1-a", Namespace: "shop", Labels: app, CreationTimestamp: created,
			Annotations:     map[string]string{v1alpha1.AnnotationConnections: "orders-db", v1alpha1.AnnotationInjected: "orders-db@" + b.Revision},
			OwnerReferences: []metav1.OwnerReference{controller("ReplicaSet", "orders-1", "r")}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{container}},
	}
}

// reader returns the world as something that can be read.
func (w *world) reader(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithReturnManagedFields()
	if w.Configuration != nil {
		builder = builder.WithObjects(w.Configuration)
	}
	if w.Connection != nil {
		builder = builder.WithObjects(w.Connection)
	}
	if w.Secret != nil {
		builder = builder.WithObjects(w.Secret)
	}
	if w.Pod != nil {
		builder = builder.WithObjects(w.Pod)
	}
	all := append([]client.Object{w.Namespace, w.Endpoints, w.Credentials, w.Deployment, w.ReplicaSet}, w.More...)
	return builder.WithObjects(all...).Build()
}

// strip takes what injection did from the pod.
func (w *world) strip() {
	delete(w.Pod.Annotations, v1alpha1.AnnotationInjected)
	w.Pod.Spec.Containers[0].EnvFrom = nil
}

// serve bounds the installation to one namespace, as the chart's namespaces.only
// does.
func (w *world) serve(namespace string) {
	for i := range w.Configuration.Webhooks {
		selector := w.Configuration.Webhooks[i].NamespaceSelector
		selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: []string{namespace},
		})
	}
}

// install has the webhook run with more arguments.
func (w *world) install(args ...string) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "service-connector", Namespace: home}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "webhook", Args: args}}
	w.More = append(w.More, d)
}

// unasked removes the annotation everywhere.
func (w *world) unasked() {
	w.strip()
	w.Deployment.Annotations = nil
	w.Deployment.Spec.Template.Annotations = nil
	w.Pod.Annotations = nil
}

// refused replaces the pod by an event that tells why it could not be made.
func (w *world) refused(message string) {
	w.Pod = nil
	w.More = append(w.More, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "shop"}, Reason: failedCreate, Message: message,
		InvolvedObject: corev1.ObjectReference{Kind: "ReplicaSet", Name: "orders-1", Namespace: "shop", UID: "r"}, LastTimestamp: created})
}

func controller(kind, name string, uid types.UID) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: new(true)}
}

// authority returns a certificate authority that is valid until then.
func authority(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// webhook returns one of the configuration's webhooks to break.
func (w *world) webhook(name string) *webhook {
	i := slices.IndexFunc(w.Configuration.Webhooks, func(w webhook) bool { return w.Name == name })
	return &w.Configuration.Webhooks[i]
}
