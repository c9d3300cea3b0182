// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/product"
)

// wantUpdated waits until the Provisioned condition of a Connection has a reason,
// and returns its message.
func (s *shop) wantUpdated(name, reason string) string {
	s.t.Helper()
	var message string
	s.eventually("connection "+name+" is "+reason, func() bool {
		var c v1alpha1.Connection
		if err := objects.Get(s.t.Context(), key(s.name, name), &c); err != nil {
			s.t.Fatal(err)
		}
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionProvisioned)
		if condition == nil || condition.Reason != reason {
			return false
		}
		message = condition.Message
		return true
	})
	return message
}

// Rights that are taken away are missed in the status, and all is well again soon
// after they are given back.
func TestRightsTakenAwayAndGivenBack(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const name = "sc-orders-secret"
	good := string(s.secret(name).Data[connectionString])
	role, err := clients.RbacV1().ClusterRoles().Get(t.Context(), "service-connector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	without := role.DeepCopy()
	for i, rule := range without.Rules {
		if rule.Resources[0] == "secrets" {
			without.Rules[i].Verbs = []string{"get", "list", "watch"}
		}
	}
	if _, err := clients.RbacV1().ClusterRoles().Update(t.Context(), without, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	giveBack := func() error {
		now, err := clients.RbacV1().ClusterRoles().Get(context.Background(), role.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Rules = role.Rules
		_, err = clients.RbacV1().ClusterRoles().Update(context.Background(), now, metav1.UpdateOptions{})
		return err
	}
	t.Cleanup(func() { _ = giveBack() })
	s.patchSecret(name, `{"data": {"`+connectionString+`": "aGFja2Vk"}}`)
	if message := s.wantUpdated("orders", v1alpha1.ReasonNotUpdated); !strings.Contains(message, "cannot patch resource") || !strings.Contains(message, name) {
		t.Errorf("the condition does not say what is missing: %q", message)
	}
	if err := giveBack(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the value is put back", func() bool { return string(s.secret(name).Data[connectionString]) == good })
	s.wantUpdated("orders", v1alpha1.ReasonUpToDate)
}

// A quota that leaves no room for a Secret is told of, and waited for.
func TestQuotaLeavesNoRoom(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "tight"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/secrets": resource.MustParse("0")},
	}}
	if _, err := clients.CoreV1().ResourceQuotas(s.name).Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the quota is in force", func() bool {
		q, err := clients.CoreV1().ResourceQuotas(s.name).Get(t.Context(), quota.Name, metav1.GetOptions{})
		return err == nil && len(q.Status.Hard) > 0
	})
	s.kubectl("delete", "secret", "sc-orders-secret")
	if message := s.wantUpdated("orders", v1alpha1.ReasonNotUpdated); !strings.Contains(message, "exceeded quota") {
		t.Errorf("the condition does not say why: %q", message)
	}
	s.kubectl("delete", "resourcequota", quota.Name)
	s.eventually("the Secret is back", func() bool { return s.secret("sc-orders-secret") != nil })
	s.wantUpdated("orders", v1alpha1.ReasonUpToDate)
}

// An API server that restarts breaks every watch: what happened meanwhile, and
// what happens afterwards, is seen.
func TestRepairAfterAPIServerRestart(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const name = "sc-orders-secret"
	good := string(s.secret(name).Data[connectionString])
	if err := controlPlane.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.patchSecret(name, `{"data": {"`+connectionString+`": "aGFja2Vk"}}`)
	s.eventually("the value is put back", func() bool { return string(s.secret(name).Data[connectionString]) == good })
	s.kubectl("delete", "secret", name)
	s.eventually("the Secret is back", func() bool { return s.secret(name) != nil })
}

// Two that lead for a while come to the same result, and tell of it once.
func TestTwoLeaders(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	const n = 8
	for i := range n {
		name := fmt.Sprint("c", i)
		s.connect(name, secretSpec("creds"))
		s.mustCreate(annotated(name))
	}
	for i := range n {
		s.wantCount(fmt.Sprint("c", i), 1, 1)
	}
	second, err := installed.Replica(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	}()
	// The first does not notice at once that the second has taken the lease.
	s.eventually("both lead", func() bool {
		_ = clients.CoordinationV1().Leases(product.Namespace).Delete(t.Context(), "service-connector", metav1.DeleteOptions{})
		return leads(t, installed) && leads(t, second)
	})
	for i := range n {
		s.patchSecret(fmt.Sprintf("sc-c%d-secret", i), `{"data": {"`+connectionString+`": "aGFja2Vk"}}`)
	}
	s.within(soon, "what was edited is put back", func() bool {
		for i := range n {
			if string(s.secret(fmt.Sprintf("sc-c%d-secret", i)).Data[connectionString]) == "hacked" {
				return false
			}
		}
		return true
	})
	for i := range n {
		s.kubectl("delete", "secret", fmt.Sprintf("sc-c%d-secret", i))
	}
	s.within(soon, "what was deleted is back", func() bool {
		for i := range n {
			if s.secret(fmt.Sprintf("sc-c%d-secret", i)) == nil {
				return false
			}
		}
		return true
	})
	if !leads(t, installed) || !leads(t, second) {
		t.Error("both do not lead any more; the test saw nothing")
	}
	s.eventually("one leads", func() bool { return leads(t, installed) != leads(t, second) })
	for i := range n {
		s.wantOneEvent(v1alpha1.EventRepaired, fmt.Sprintf("sc-c%d-secret", i))
		s.wantOneEvent(v1alpha1.EventRestored, fmt.Sprintf("sc-c%d-secret", i))
	}
}

// leads reports whether a webhook's metrics say that it leads.
func leads(t *testing.T, p *product.Product) bool {
	t.Helper()
	raw, err := io.ReadAll(get(t, p.Metrics).Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(raw), "\nserviceconnector_leader 1\n")
}

// Somebody who writes an object without pause keeps nobody from letting go of it.
func TestConflictStorm(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for writer := range 4 {
		wait.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, _ = clients.CoreV1().Secrets(s.name).Patch(ctx, "sc-orders-secret", types.MergePatchType,
					fmt.Appendf(nil, `{"metadata": {"annotations": {"writer-%d": "%d"}}}`, writer, i), metav1.PatchOptions{})
			}
		})
	}
	defer wait.Wait()
	defer cancel()
	s.delete("orders")
	s.eventually("the marks are taken off", func() bool { return s.secret("sc-orders-secret").Labels[v1alpha1.LabelManagedBy] == "" })
}
