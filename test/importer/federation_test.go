// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/test/azure"
)

// gated reports whether a pod waits.
func gated(pod *corev1.Pod) bool {
	for _, g := range pod.Spec.SchedulingGates {
		if g.Name == mutate.SchedulingGate {
			return true
		}
	}
	return false
}

// reread returns a pod as it is now.
func (s *shop) reread(pod *corev1.Pod) *corev1.Pod {
	s.t.Helper()
	now, err := clients.CoreV1().Pods(pod.Namespace).Get(s.t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return now
}

// let waits until a pod does not wait any more.
func (s *shop) let(pod *corev1.Pod) {
	s.t.Helper()
	s.eventually("the pod is let go", func() bool { return !gated(s.reread(pod)) })
	if now := s.reread(pod); now.Labels[v1alpha1.LabelGated] != "" {
		s.t.Errorf("it is still marked: %v", now.Labels)
	}
}

// subjects returns those of the identity's credentials that are in this namespace.
func (s *shop) subjects(identity string) []string {
	var all []string
	for _, c := range cloud.Credentials(identity) {
		if strings.HasPrefix(c.Subject, "system:serviceaccount:"+s.name+":") {
			all = append(all, c.Subject)
		}
	}
	return all
}

func (s *shop) federated(name, reason string) string {
	s.t.Helper()
	message := ""
	s.eventually("Connection "+name+" is "+reason, func() bool {
		c, _ := s.get(name)
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionFederated)
		if condition == nil || condition.Reason != reason {
			return false
		}
		message = condition.Message
		return true
	})
	return message
}

// The first pod waits until Azure trusts its service account, further ones do not.
func TestPodWaitsForItsCredential(t *testing.T) {
	s := newShop(t)
	name := s.link("gated", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	resume := cloud.Fail(federating(http.MethodPut), azure.Fault{Kind: azure.Slow, Delay: 2 * time.Second})
	defer resume()
	pod := s.pod(name)
	if !gated(pod) || pod.Labels[v1alpha1.LabelGated] != "true" {
		t.Fatalf("the pod does not wait: %v %v", pod.Spec.SchedulingGates, pod.Labels)
	}
	s.eventually("an event says for what", func() bool { return strings.Contains(s.events(s.name, v1alpha1.EventGated), "sc-account-"+appID) })
	s.eventually("Azure trusts it", func() bool { return len(s.subjects(appIdentity)) == 1 })
	trusted := time.Now()
	s.let(pod)
	t.Logf("let go %s after the credential was seen", time.Since(trusted).Round(10*time.Millisecond))
	if got := s.subjects(appIdentity)[0]; got != "system:serviceaccount:"+s.name+":sc-account-"+appID {
		t.Errorf("it trusts %q", got)
	}
	s.federated(name, v1alpha1.ReasonFederated)
	s.eventually("the next pod does not wait", func() bool { return !gated(s.pod(name)) })
}

// federating matches requests of a method for federated credentials.
func federating(method string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == method && strings.Contains(strings.ToLower(r.URL.Path), "/federatedidentitycredentials")
	}
}

// With the namespace its credential goes, and one of the same name inherits nothing.
func TestNamespaceInheritsNothing(t *testing.T) {
	s := newShop(t)
	name := s.link("again", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	s.let(s.pod(name))
	first := cloud.Credentials(appIdentity)
	if err := clients.CoreV1().Namespaces().Delete(t.Context(), s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the credential is gone", func() bool { return len(s.subjects(appIdentity)) == 0 })
	s.eventually("the namespace is gone, and there again", func() bool {
		_, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name}}, metav1.CreateOptions{})
		return err == nil
	})
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	var pod *corev1.Pod
	s.eventually("a pod is admitted", func() bool {
		var err error
		pod, err = s.create(name)
		return err == nil
	})
	if !gated(pod) {
		t.Error("the pod of a new namespace does not wait")
	}
	s.let(pod)
	for _, before := range first {
		for _, now := range cloud.Credentials(appIdentity) {
			if before.Name == now.Name && strings.Contains(now.Subject, s.name) {
				t.Errorf("the new namespace has the credential of the old one: %+v", now)
			}
		}
	}
}

// A ClusterConnection has one credential in each namespace that uses it; it goes with
// the connection.
func TestClusterConnectionFederates(t *testing.T) {
	s := newShop(t)
	shared := s.share("shared", appID)
	pod := s.pod(shared)
	if !gated(pod) {
		t.Error("the pod does not wait")
	}
	s.let(pod)
	if got := s.subjects(appIdentity); len(got) != 1 {
		t.Errorf("credentials: %v", got)
	}
	if err := objects.Delete(t.Context(), &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: shared}}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the credential goes with the connection", func() bool { return len(s.subjects(appIdentity)) == 0 })
}

// share makes a ClusterConnection for this namespace.
func (s *shop) share(name string, clientID v1alpha1.UUID) string {
	s.t.Helper()
	connection := s.connection(name)
	if err := objects.Create(s.t.Context(), shared(connection, s.name, clientID)); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = objects.Delete(s.t.Context(), &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: connection}})
	})
	return connection
}

// shared is a ClusterConnection that one namespace may use.
func shared(name, namespace string, clientID v1alpha1.UUID) *v1alpha1.ClusterConnection {
	return &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec: v1alpha1.ConnectionSpec{
			Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "receipts"}},
			Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: clientID}},
		},
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}},
	}}
}

// A pod that is let go can have a token at once: it waited until its credential was
// known all over Azure.
func TestCredentialIsKnownOncePodsGo(t *testing.T) {
	s := newShop(t)
	name := s.link("known", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	pod := s.pod(name)
	s.let(pod)
	assertion := func(ctx context.Context) (string, error) {
		request, err := clients.CoreV1().ServiceAccounts(s.name).CreateToken(ctx, pod.Spec.ServiceAccountName, &authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}},
		}, metav1.CreateOptions{})
		return request.Status.Token, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cloud.CA)
	credential, err := azidentity.NewClientAssertionCredential(tenant, appID, assertion, &azidentity.ClientAssertionCredentialOptions{
		ClientOptions: policy.ClientOptions{
			Cloud:     azcloud.Configuration{ActiveDirectoryAuthorityHost: cloud.URL + "/"},
			Transport: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}},
			Retry:     policy.RetryOptions{MaxRetries: -1},
		},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{cloud.URL + "/.default"}}); err != nil {
		t.Errorf("the pod's first token: %v", err)
	}
}

// held is a pod that waits, since before the first test, for an identity that nobody
// finds.
var held *corev1.Pod

// unknownID is the client id of that identity.
const unknownID = "bbbbbbbb-0000-0000-0000-000000000000"

func holdPod(ctx context.Context) error {
	const name = "held"
	_, err := clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := objects.Create(ctx, shared(name, name, unknownID)); err != nil {
		return err
	}
	for { // until the connection is known, and the namespace has its account
		held, err = clients.CoreV1().Pods(name).Create(ctx, annotated(name), metav1.CreateOptions{})
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A pod that waits for too long is told why.
func TestGateHeldTooLongIsTold(t *testing.T) {
	s := &shop{t: t, name: held.Namespace}
	s.within(4*time.Minute, "an event tells why the pod still waits", func() bool {
		return strings.Contains(s.events(held.Namespace, v1alpha1.EventGateHeld), unknownID)
	})
	if !gated(s.reread(held)) {
		t.Error("the pod went without a credential")
	}
	c := &v1alpha1.ClusterConnection{}
	if err := objects.Get(t.Context(), client.ObjectKey{Name: held.Namespace}, c); err != nil {
		t.Fatal(err)
	}
	condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionFederated)
	if condition == nil || condition.Reason != v1alpha1.ReasonIdentityNotFound || !strings.Contains(condition.Message, unknownID) {
		t.Errorf("the condition is %+v", condition)
	}
	if err := objects.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.let(held)
}

// Who can write a Connection gets no credential made by calling it imported.
func TestForgedImportGetsNothing(t *testing.T) {
	s := newShop(t)
	const victim = "dddddddd-0000-0000-0000-000000000000"
	identity := group + "Microsoft.ManagedIdentity/userAssignedIdentities/victim-" + s.name
	cloud.AddIdentity(azure.Identity{ResourceID: identity, ClientID: victim, PrincipalID: victim})
	defer cloud.RemoveIdentity(identity)
	forged := &v1alpha1.Connection{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "forged", Labels: map[string]string{v1alpha1.LabelImported: v1alpha1.ImportedFromAzure},
			Annotations: map[string]string{v1alpha1.AnnotationLinker: aks + "/providers/Microsoft.ServiceLinker/linkers/forged"}},
		Spec: v1alpha1.ConnectionSpec{
			Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "mine"}},
			Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: victim}},
		},
	}
	if err := objects.Create(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	var pod *corev1.Pod
	for pod == nil {
		created, err := s.create("forged")
		switch {
		case err == nil:
			pod = created
		case apierrors.IsForbidden(err) || strings.Contains(err.Error(), "not available"):
			// The import takes away what it did not make; then nothing is left to forge.
			if err := objects.Get(t.Context(), client.ObjectKeyFromObject(forged), &v1alpha1.Connection{}); apierrors.IsNotFound(err) {
				return
			}
		default:
			t.Fatal(err)
		}
	}
	s.let(pod)
	if got := cloud.Credentials(identity); len(got) > 0 {
		t.Errorf("a forged import was given %+v", got)
	}
}

// An identity with as many credentials as it can have is told before it is tried, and
// the pod goes once there is room, or once its connection is gone.
func TestFederationLimit(t *testing.T) {
	s := newShop(t)
	full := group + "Microsoft.ManagedIdentity/userAssignedIdentities/full-" + s.name
	const fullID = "cccccccc-0000-0000-0000-000000000000"
	cloud.AddIdentity(azure.Identity{ResourceID: full, ClientID: fullID, PrincipalID: fullID})
	defer cloud.RemoveIdentity(full)
	for n := range 20 {
		cloud.AddCredential(full, azure.FederatedCredential{Name: fmt.Sprintf("other-%d", n), Issuer: "https://other.example",
			Subject: fmt.Sprintf("system:serviceaccount:other:%d", n), Audiences: []string{audience}})
	}
	before := len(cloud.Requests())
	shared := s.share("full", fullID)
	pod := s.pod(shared)
	s.eventually("the condition tells of the limit", func() bool {
		c := &v1alpha1.ClusterConnection{}
		if err := objects.Get(t.Context(), client.ObjectKey{Name: shared}, c); err != nil {
			t.Fatal(err)
		}
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionFederated)
		return condition != nil && condition.Reason == v1alpha1.ReasonFederationLimit && strings.Contains(condition.Message, s.name)
	})
	for _, r := range cloud.Requests()[before:] {
		if r.Method == http.MethodPut && strings.Contains(r.Path, "full-") {
			t.Errorf("it was tried all the same: %+v", r)
		}
	}
	if !gated(s.reread(pod)) {
		t.Error("the pod went without a credential")
	}
	if err := objects.Delete(t.Context(), &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: shared}}); err != nil {
		t.Fatal(err)
	}
	s.let(pod) // its connection is gone: nothing is waited for
}

// However far it is when it is killed, the next leader ends with exactly the right
// set.
func TestKilledAtEachStep(t *testing.T) {
	for step, match := range map[string]func(*http.Request) bool{
		"identities are listed": func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(strings.ToLower(r.URL.Path), "/userassignedidentities")
		},
		"credentials are listed":  federating(http.MethodGet),
		"a credential is made":    federating(http.MethodPut),
		"a credential is deleted": federating(http.MethodDelete),
	} {
		for kind, name := range map[azure.FaultKind]string{azure.Hang: "before", azure.ResetMidBody: "after"} {
			t.Run(step+", "+name, func(t *testing.T) {
				s := newShop(t)
				stays := s.link("stays", byIdentity())
				s.imported(stays, metav1.ConditionTrue, v1alpha1.ReasonImported)
				// One that the cluster does not want any more.
				other := newShop(t)
				old := other.share("old", appID)
				other.let(other.pod(old))
				before := len(cloud.Requests())
				end := cloud.Fail(match, azure.Fault{Kind: kind, Times: 1})
				if err := objects.Delete(t.Context(), &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: old}}); err != nil {
					t.Fatal(err)
				}
				pod := s.pod(stays)
				if step == "identities are listed" { // which are known, but to a new leader
					if err := installed.Kill(); err != nil {
						t.Fatal(err)
					}
					if err := restart(t); err != nil {
						t.Fatal(err)
					}
				}
				s.eventually("the step is reached", func() bool {
					for _, r := range cloud.Requests()[before:] {
						if match(&http.Request{Method: r.Method, URL: mustURL(r.Path)}) {
							return true
						}
					}
					return false
				})
				if err := installed.Kill(); err != nil {
					t.Fatal(err)
				}
				end()
				if err := restart(t); err != nil {
					t.Fatal(err)
				}
				s.let(pod)
				if got := s.subjects(appIdentity); len(got) != 1 {
					t.Errorf("credentials of the namespace: %v", got)
				}
				other.eventually("what is left over goes", func() bool { return len(other.subjects(appIdentity)) == 0 })
			})
		}
	}
}
