// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"serviceconnector.dev/pkg/connections"
)

// store holds objects in place of an API server: those that files gave, and those
// that the provisioner made. Of the API it has what the provisioner calls.
type store struct {
	mu          sync.Mutex
	given, made map[connections.Object]json.RawMessage
}

func newStore() *store {
	return &store{given: map[connections.Object]json.RawMessage{}, made: map[connections.Object]json.RawMessage{}}
}

// give stores an object as a file has it. A Secret's stringData becomes data, as
// the API server does.
func (s *store) give(key connections.Object, raw json.RawMessage) error {
	if key.Kind == connections.KindSecret {
		var secret corev1.Secret
		if err := json.Unmarshal(raw, &secret); err != nil {
			return fmt.Errorf("reading the Secret: %w", withoutValue(err))
		}
		for name, value := range secret.StringData {
			if secret.Data == nil {
				secret.Data = map[string][]byte{}
			}
			secret.Data[name] = []byte(value)
		}
		secret.StringData = nil
		var err error
		if raw, err = encodeJSONOf(secret); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given[key] = raw
	return nil
}

// withoutValue keeps what a Secret holds out of an error.
func withoutValue(error) error {
	return fmt.Errorf("data holds base64, stringData holds text; correct it")
}

// get reads an object: as applied, else as given.
func (s *store) get(key connections.Object, into any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, ok := s.made[key]
	if !ok {
		raw, ok = s.given[key]
	}
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: string(key.Kind)}, key.Name)
	}
	return json.Unmarshal(raw, into)
}

func (s *store) apply(key connections.Object, object any) error {
	raw, err := encodeJSONOf(object)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("reading what was applied: %w", err)
	}
	// What is applied again names the object by its uid, and there is none.
	unstructured.RemoveNestedField(fields, "metadata", "uid")
	if raw, err = encodeJSONOf(fields); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[key] = raw
	return nil
}

// create stores an object that is not there.
func (s *store) create(key connections.Object, object any) error {
	if err := s.get(key, &map[string]any{}); !apierrors.IsNotFound(err) {
		return apierrors.NewAlreadyExists(schema.GroupResource{Resource: string(key.Kind)}, key.Name)
	}
	return s.apply(key, object)
}

// Known says that nothing is, so that the provisioner always asks.
func (*store) Known(connections.Object) (revision string, ok bool) { return "", false }

// Note does nothing.
func (*store) Note(connections.Object, string) {}

// Provisioned does nothing.
func (*store) Provisioned(connections.Kind, string) {}

type core struct {
	corev1client.CoreV1Interface
	*store
}

// Secrets returns the Secrets of a namespace.
func (c core) Secrets(namespace string) corev1client.SecretInterface {
	return secrets{store: c.store, namespace: namespace}
}

// ServiceAccounts returns the service accounts of a namespace.
func (c core) ServiceAccounts(namespace string) corev1client.ServiceAccountInterface {
	return accounts{store: c.store, namespace: namespace}
}

type secrets struct {
	corev1client.SecretInterface
	*store
	namespace string
}

func (s secrets) key(name string) connections.Object {
	return connections.Object{Kind: connections.KindSecret, Namespace: s.namespace, Name: name}
}

// Get reads a Secret.
func (s secrets) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	return secret, s.get(s.key(name), secret)
}

// Create stores a Secret that is not there.
func (s secrets) Create(_ context.Context, secret *corev1.Secret, _ metav1.CreateOptions) (*corev1.Secret, error) {
	made := *secret
	made.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: string(connections.KindSecret)}
	return &made, s.create(s.key(secret.Name), made)
}

// Apply stores a Secret.
func (s secrets) Apply(_ context.Context, secret *coreapply.SecretApplyConfiguration, _ metav1.ApplyOptions) (*corev1.Secret, error) {
	return nil, s.apply(s.key(*secret.Name), secret)
}

type accounts struct {
	corev1client.ServiceAccountInterface
	*store
	namespace string
}

func (a accounts) key(name string) connections.Object {
	return connections.Object{Kind: connections.KindServiceAccount, Namespace: a.namespace, Name: name}
}

// Get reads a service account.
func (a accounts) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.ServiceAccount, error) {
	account := &corev1.ServiceAccount{}
	return account, a.get(a.key(name), account)
}

// Create stores a service account that is not there.
func (a accounts) Create(_ context.Context, account *corev1.ServiceAccount, _ metav1.CreateOptions) (*corev1.ServiceAccount, error) {
	made := *account
	made.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: string(connections.KindServiceAccount)}
	return &made, a.create(a.key(account.Name), made)
}

// Apply stores a service account.
func (a accounts) Apply(_ context.Context, account *coreapply.ServiceAccountApplyConfiguration, _ metav1.ApplyOptions) (*corev1.ServiceAccount, error) {
	return nil, a.apply(a.key(*account.Name), account)
}

// classes are the SecretProviderClasses, and all other resources, of which there
// are none.
type classes struct {
	dynamic.NamespaceableResourceInterface
	*store
	kind      connections.Kind
	namespace string
}

type dynamicStore struct{ *store }

// Resource returns a resource of all namespaces.
func (d dynamicStore) Resource(resource schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	c := classes{store: d.store, kind: connections.Kind(resource.Resource)}
	if resource.Group == classKind.Group {
		c.kind = connections.KindProviderClass
	}
	return c
}

// Namespace returns the resource of one namespace.
func (c classes) Namespace(namespace string) dynamic.ResourceInterface {
	c.namespace = namespace
	return c
}

func (c classes) key(name string) connections.Object {
	return connections.Object{Kind: c.kind, Namespace: c.namespace, Name: name}
}

// Get reads an object.
func (c classes) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	return object, c.get(c.key(name), &object.Object)
}

// Apply stores an object.
func (c classes) Apply(_ context.Context, name string, object *unstructured.Unstructured, _ metav1.ApplyOptions, _ ...string) (*unstructured.Unstructured, error) {
	return object, c.apply(c.key(name), object.Object)
}

// kinds knows every kind: offline nobody can tell which a cluster has.
type kinds struct{ meta.RESTMapper }

// RESTMapping guesses the resource of a kind.
func (kinds) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	version := ""
	if len(versions) > 0 {
		version = versions[0]
	}
	resource, _ := meta.UnsafeGuessKindToResource(kind.WithVersion(version))
	return &meta.RESTMapping{Resource: resource, GroupVersionKind: kind.WithVersion(version)}, nil
}
