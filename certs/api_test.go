// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	clienttesting "k8s.io/client-go/testing"
)

const (
	namespace     = "sc-system"
	secretName    = "service-connector-ca"
	configuration = "admission.serviceconnector.dev"
)

// api is client-go's fake, which knows field owners, with what it lacks:
// writes of an old resource version are refused. What keepers call goes through
// enter; what tests do themselves does not.
type api struct {
	*fake.Clientset
	t *testing.T

	mu      sync.Mutex
	version int
	errs    map[string]error  // answers to "verb resource"; "" is every call
	hooks   map[string]func() // run once, before the next "verb resource"
	writes  []string          // "verb resource" of each write that was let in
}

func newAPI(t *testing.T, objects ...runtime.Object) *api {
	t.Helper()
	a := &api{Clientset: fake.NewClientset(), t: t, errs: map[string]error{}, hooks: map[string]func(){}}
	a.PrependReactor("*", "*", a.react)
	for _, object := range objects {
		if err := a.Tracker().Add(object); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// before runs f once, before the next "verb resource" of a keeper is answered.
func (a *api) before(call string, f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks[call] = f
}

// fail answers "verb resource" of keepers with an error, nil for no longer; ""
// is every call.
func (a *api) fail(call string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs[call] = err
}

func (a *api) enter(verb, resource string) error {
	call := verb + " " + resource
	a.mu.Lock()
	hook := a.hooks[call]
	delete(a.hooks, call)
	a.mu.Unlock()
	if hook != nil {
		hook()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := cmp.Or(a.errs[""], a.errs[call]); err != nil {
		return err
	}
	if verb != "get" {
		a.writes = append(a.writes, call)
	}
	return nil
}

// written counts the writes of one kind.
func (a *api) written(call string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, write := range a.writes {
		if write == call {
			n++
		}
	}
	return n
}

// secrets and configurations are the API as keepers see it.
type secrets struct {
	coreclient.SecretInterface
	api *api
}

type secretsGetter struct{ api *api }

func (g secretsGetter) Secrets(namespace string) coreclient.SecretInterface {
	return secrets{g.api.CoreV1().Secrets(namespace), g.api}
}

func (s secrets) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error) {
	if err := s.api.enter("get", "secrets"); err != nil {
		return nil, err
	}
	return s.SecretInterface.Get(ctx, name, o)
}

func (s secrets) Create(ctx context.Context, secret *corev1.Secret, o metav1.CreateOptions) (*corev1.Secret, error) {
	if err := s.api.enter("create", "secrets"); err != nil {
		return nil, err
	}
	return s.SecretInterface.Create(ctx, secret, o)
}

func (s secrets) Update(ctx context.Context, secret *corev1.Secret, o metav1.UpdateOptions) (*corev1.Secret, error) {
	if err := s.api.enter("update", "secrets"); err != nil {
		return nil, err
	}
	return s.SecretInterface.Update(ctx, secret, o)
}

type configurations struct {
	admissionclient.MutatingWebhookConfigurationInterface
	api *api
}

type configurationsGetter struct{ api *api }

func (g configurationsGetter) MutatingWebhookConfigurations() admissionclient.MutatingWebhookConfigurationInterface {
	return configurations{g.api.AdmissionregistrationV1().MutatingWebhookConfigurations(), g.api}
}

func (c configurations) Get(ctx context.Context, name string, o metav1.GetOptions) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	if err := c.api.enter("get", "configurations"); err != nil {
		return nil, err
	}
	return c.MutatingWebhookConfigurationInterface.Get(ctx, name, o)
}

func (c configurations) Patch(ctx context.Context, name string, kind types.PatchType, patch []byte, o metav1.PatchOptions, sub ...string) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	if err := c.api.enter("patch", "configurations"); err != nil {
		return nil, err
	}
	return c.MutatingWebhookConfigurationInterface.Patch(ctx, name, kind, patch, o, sub...)
}

// react stands before the fake's own reaction, which follows where it returns
// false. One call at a time is in it.
func (a *api) react(action clienttesting.Action) (bool, runtime.Object, error) {
	switch action := action.(type) {
	case clienttesting.CreateActionImpl:
		action.Object.(metav1.Object).SetResourceVersion(a.next())
	case clienttesting.UpdateActionImpl:
		object := action.Object.(metav1.Object)
		if err := a.current(action, object.GetName(), object.GetResourceVersion()); err != nil {
			return true, nil, err
		}
		object.SetResourceVersion(a.next())
	case clienttesting.PatchActionImpl:
		return a.patch(action)
	}
	return false, nil, nil
}

func (a *api) patch(action clienttesting.PatchActionImpl) (bool, runtime.Object, error) {
	patch := &unstructured.Unstructured{}
	if err := json.Unmarshal(action.Patch, &patch.Object); err != nil {
		return true, nil, err
	}
	if err := a.current(action, action.Name, patch.GetResourceVersion()); err != nil {
		return true, nil, err
	}
	patch.SetResourceVersion(a.next())
	var err error
	if action.Patch, err = json.Marshal(patch.Object); err != nil {
		return true, nil, err
	}
	return clienttesting.ObjectReaction(a.Tracker())(action)
}

// current refuses what was not made from the stored version.
func (a *api) current(action clienttesting.Action, name, version string) error {
	stored, err := a.Tracker().Get(action.GetResource(), action.GetNamespace(), name)
	if err != nil {
		return err
	}
	if version != "" && stored.(metav1.Object).GetResourceVersion() != version {
		return apierrors.NewConflict(action.GetResource().GroupResource(), name, errors.New("the object has been modified"))
	}
	return nil
}

func (a *api) next() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	return strconv.Itoa(a.version)
}

func (a *api) secret() *corev1.Secret {
	a.t.Helper()
	secret, err := a.CoreV1().Secrets(namespace).Get(a.t.Context(), secretName, metav1.GetOptions{})
	if err != nil {
		a.t.Fatal(err)
	}
	return secret
}

func (a *api) editSecret(edit func(*corev1.Secret)) {
	a.t.Helper()
	secret := a.secret()
	edit(secret)
	if _, err := a.CoreV1().Secrets(namespace).Update(a.t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		a.t.Fatal(err)
	}
}

func (a *api) deleteSecret() {
	a.t.Helper()
	if err := a.CoreV1().Secrets(namespace).Delete(a.t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
		a.t.Fatal(err)
	}
}

func (a *api) rotate() {
	a.t.Helper()
	a.editSecret(func(s *corev1.Secret) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, RotateAnnotation, "now") })
}

func (a *api) configuration() *admissionregistrationv1.MutatingWebhookConfiguration {
	a.t.Helper()
	found, err := a.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(a.t.Context(), configuration, metav1.GetOptions{})
	if err != nil {
		a.t.Fatal(err)
	}
	return found
}

// applyAs is a server-side apply.
func (a *api) applyAs(owner string, wanted *admissionregistrationv1.MutatingWebhookConfiguration) {
	a.t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(wanted)
	if err != nil {
		a.t.Fatal(err)
	}
	unstructured.RemoveNestedField(object, "metadata", "resourceVersion")
	unstructured.RemoveNestedField(object, "metadata", "creationTimestamp")
	force := true
	err = a.Tracker().Apply(admissionregistrationv1.SchemeGroupVersion.WithResource("mutatingwebhookconfigurations"),
		&unstructured.Unstructured{Object: object}, "", metav1.PatchOptions{FieldManager: owner, Force: &force})
	if err != nil {
		a.t.Fatal(err)
	}
}

// setBundle does what somebody else would do to the caBundle.
func (a *api) setBundle(bundles ...[]byte) {
	a.t.Helper()
	found := a.configuration()
	for i := range bundles {
		found.Webhooks[i].ClientConfig.CABundle = bundles[i]
	}
	_, err := a.AdmissionregistrationV1().MutatingWebhookConfigurations().Update(a.t.Context(), found, metav1.UpdateOptions{FieldManager: "somebody"})
	if err != nil {
		a.t.Fatal(err)
	}
}

// bundle returns the caBundle, which has to be the same in all webhooks.
func (a *api) bundle() string {
	a.t.Helper()
	webhooks := a.configuration().Webhooks
	for _, webhook := range webhooks {
		if string(webhook.ClientConfig.CABundle) != string(webhooks[0].ClientConfig.CABundle) {
			a.t.Fatalf("webhooks %s and %s have different bundles", webhooks[0].Name, webhook.Name)
		}
	}
	return string(webhooks[0].ClientConfig.CABundle)
}

// ring reads the Secret, which has to be in order.
func (a *api) ring() ring {
	a.t.Helper()
	r, err := readRing(a.secret())
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

func webhookConfiguration() *admissionregistrationv1.MutatingWebhookConfiguration {
	path, none := "/mutate-pods", admissionregistrationv1.SideEffectClassNone
	webhook := func(name string) admissionregistrationv1.MutatingWebhook {
		return admissionregistrationv1.MutatingWebhook{
			Name:                    name,
			SideEffects:             &none,
			AdmissionReviewVersions: []string{"v1"},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				Service: &admissionregistrationv1.ServiceReference{Namespace: namespace, Name: "service-connector", Path: &path},
			},
		}
	}
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: configuration, ResourceVersion: "0"},
		Webhooks:   []admissionregistrationv1.MutatingWebhook{webhook("pods.serviceconnector.dev"), webhook("workloads.serviceconnector.dev")},
	}
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// lines is a log that remembers.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Logger() logr.Logger {
	return funcr.New(func(_, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, args)
	}, funcr.Options{Verbosity: 9})
}

func (l *lines) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

func newKeeper(a *api, c *clock, change ...func(*Options)) *Keeper {
	o := Options{
		Secrets:        secretsGetter{a},
		Configurations: configurationsGetter{a},
		Namespace:      namespace,
		Secret:         secretName,
		Configuration:  configuration,
		Hosts:          append(ServiceHosts("service-connector", namespace), "127.0.0.1"),
		Now:            c.Now,
	}
	for _, f := range change {
		f(&o)
	}
	return New(o)
}

func syncAll(t *testing.T, keepers ...*Keeper) {
	t.Helper()
	for i, k := range keepers {
		if err := k.Sync(t.Context()); err != nil {
			t.Fatalf("replica %d: %v", i, err)
		}
	}
}
