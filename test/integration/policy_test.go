// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/product"
)

// police puts the shipped policies in force in the shop alone.
func (s *shop) police() {
	s.t.Helper()
	root, err := product.Root(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "manifests", "policies.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	here := strings.ReplaceAll(string(raw), "  validationActions: [Deny]",
		fmt.Sprintf("  validationActions: [Deny]\n  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}}", s.name))
	path := writeFile(s.t, here)
	s.kubectl("apply", "-f", path)
	s.t.Cleanup(func() {
		for _, kind := range []string{"validatingadmissionpolicybinding", "validatingadmissionpolicy"} {
			_, _ = controlPlane.Kubectl(context.WithoutCancel(s.t.Context()), "delete", kind, "injected.serviceconnector.dev", "marks.serviceconnector.dev")
		}
	})
}

// tenant returns a client of somebody who may edit everything in the shop.
func (s *shop) tenant() kubernetes.Interface {
	s.t.Helper()
	_, err := clients.RbacV1().RoleBindings(s.name).Create(s.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "tenant"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "tenant"}},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	config := controlPlane.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: "tenant"}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// wantForbidden asserts that a policy refused, in words that hold a text.
func wantForbidden(t *testing.T, what string, err error, text string) {
	t.Helper()
	if !apierrors.IsForbidden(err) || !contains(err, "ValidatingAdmissionPolicy") || !contains(err, text) {
		t.Errorf("%s: %v, want it refused by a policy with %q", what, err, text)
	}
}

// Only the webhook writes its marks; what it has to do, it still can.
func TestPolicyGuardsMarks(t *testing.T) {
	s := newNamespace(t)
	tenant := s.tenant()
	s.police()
	forged := func() error {
		_, err := tenant.CoreV1().Secrets(s.name).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			GenerateName: "forged-", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		}}, metav1.CreateOptions{})
		return err
	}
	s.eventually("the policy is in force", func() bool { return forged() != nil })
	wantForbidden(t, "a forged Secret", forged(), "only Service Connector sets, changes and removes app.kubernetes.io/managed-by here")
	_, err := tenant.CoreV1().Secrets(s.name).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "retained", Annotations: map[string]string{v1alpha1.AnnotationRetained: "ClusterConnection/orders"},
	}}, metav1.CreateOptions{})
	wantForbidden(t, "a Secret that seems to have stayed", err, "serviceconnector.dev/retained")

	s.provisioned() // the webhook makes what it has to
	patch := func(name, patch string) error {
		_, err := tenant.CoreV1().Secrets(s.name).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		return err
	}
	const secret = "sc-orders-secret"
	for what, c := range map[string]struct{ patch, text string }{
		"taking the mark off": {`{"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}}`, "managed-by"},
		"another connection":  {`{"metadata": {"labels": {"serviceconnector.dev/connection": "other"}}}`, "serviceconnector.dev/connection"},
		"another owner":       {`{"metadata": {"annotations": {"serviceconnector.dev/owner": "ClusterConnection/other"}}}`, v1alpha1.AnnotationOwner},
		"no revision":         {`{"metadata": {"annotations": {"serviceconnector.dev/revision": null}}}`, v1alpha1.AnnotationRevision},
		"one mark more":       {`{"metadata": {"annotations": {"serviceconnector.dev/deletion-policy": "Delete"}}}`, v1alpha1.AnnotationDeletionPolicy},
	} {
		wantForbidden(t, what, patch(secret, c.patch), c.text)
	}
	if err := patch(secret, `{"metadata": {"labels": {"team": "shop"}, "annotations": {"note": "ours"}}}`); err != nil {
		t.Errorf("labels and annotations of one's own: %v", err)
	}
	if err := patch("creds", `{"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}`); err != nil {
		t.Errorf("somebody else's mark: %v", err)
	}
	if err := tenant.CoreV1().Secrets(s.name).Delete(t.Context(), secret, metav1.DeleteOptions{}); err != nil {
		t.Errorf("deleting: %v", err)
	}
	s.within(soon, "what was deleted is back", func() bool { return s.secret(secret) != nil })

	pod := s.mustCreate(annotated("orders"))
	for _, subresource := range [][]string{nil, {"status"}} {
		// An administrator: who may edit may not patch a pod's status at all.
		_, err = clients.CoreV1().Pods(s.name).Patch(t.Context(), pod.Name, types.MergePatchType,
			[]byte(`{"metadata": {"annotations": {"serviceconnector.dev/injected": "orders@0"}}}`), metav1.PatchOptions{}, subresource...)
		wantForbidden(t, fmt.Sprint("another record on a pod", subresource), err, v1alpha1.AnnotationInjected)
	}
	if _, err = tenant.CoreV1().Pods(s.name).Patch(t.Context(), pod.Name, types.MergePatchType,
		[]byte(`{"metadata": {"annotations": {"serviceconnector.dev/connections": "orders,more"}}}`), metav1.PatchOptions{}); err != nil {
		t.Errorf("the author's own annotation: %v", err)
	}

	// What is no longer the webhook's may lose its marks.
	s.delete("orders")
	s.eventually("the Secret is left to the namespace", func() bool { return s.secret(secret).Annotations[v1alpha1.AnnotationRetained] != "" })
	if err := patch(secret, `{"metadata": {"labels": {"serviceconnector.dev/connection": null}, "annotations": {"serviceconnector.dev/retained": null}}}`); err != nil {
		t.Errorf("taking marks off what stayed: %v", err)
	}
}

// With failurePolicy: Ignore and no webhook, a policy still keeps annotated pods
// from starting without their connections.
func TestPolicyRequiresInjection(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.police()
	s.mustCreate(annotated("receipts"))
	ignoreFailures(t, true)
	defer ignoreFailures(t, false)
	if err := installed.Stop(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := installed.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var refusal error
	s.eventually("the policy refuses the pod, as the webhook is not asked", func() bool {
		_, refusal = s.create(annotated("receipts, more"))
		return refusal != nil && contains(refusal, "ValidatingAdmissionPolicy")
	})
	wantForbidden(t, "a pod that was not injected", refusal, "the pod asks for receipts, more and was not given it")
	pod := annotated("receipts, more")
	pod.Annotations[v1alpha1.AnnotationInjected] = "receipts@1"
	_, err := s.create(pod)
	wantForbidden(t, "a pod that was given one of two", err, "the pod asks for more and")
	if _, err := s.create(annotated(" , ")); err != nil {
		t.Errorf("a pod that asks for nothing: %v", err)
	}
	plain := annotated("")
	plain.Annotations = nil
	if _, err := s.create(plain); err != nil {
		t.Errorf("a pod without annotation: %v", err)
	}
}

// ignoreFailures sets whether pods pass while the webhook does not answer.
func ignoreFailures(t *testing.T, ignore bool) {
	t.Helper()
	policy := "Fail"
	if ignore {
		policy = "Ignore"
	}
	_, err := clients.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(context.WithoutCancel(t.Context()), configurationName, types.JSONPatchType,
		fmt.Appendf(nil, `[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": %q}]`, policy), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
