// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Each test here is a row of the table "what bad input gets".

func TestNothingAsked(t *testing.T) {
	s := newNamespace(t)
	for _, empty := range []string{"", " ", ", ,\t"} {
		pod := s.mustCreate(annotated(empty))
		s.wantSources(pod.Spec.Containers[0], "")
		if len(pod.Annotations) != 1 || len(pod.Labels) != 0 {
			t.Errorf("annotation %q: annotations %v, labels %v", empty, pod.Annotations, pod.Labels)
		}
	}
	output := s.warnings("run", "web", "--image=example.com/web", "--annotations="+v1alpha1.AnnotationConnections+"=,")
	if want := "Warning: annotation serviceconnector.dev/connections names no connection; nothing was injected"; !strings.Contains(output, want) {
		t.Errorf("output %q, want %q in it", output, want)
	}
}

func TestMalformedNames(t *testing.T) {
	s := newNamespace(t)
	for _, bad := range []string{"Orders", "ns/orders", "..", "../orders", "a%2fb", "a b", "-a", "a\x1b[31m", "\u043erders", strings.Repeat("a", 53)} {
		message := s.mustDeny(annotated(bad), "is no connection name", "lower-case letters, digits and dashes")
		if strings.ContainsAny(message, "\x1b\u043e") || len(message) > 500 {
			t.Errorf("the message repeats raw text: %q", message)
		}
	}
	// The API server itself takes at most 256 KiB of annotations.
	s.mustDeny(annotated(strings.Repeat("a,", 100<<10)), "204800 bytes long, at most 16384 are read")
}

func TestSameNameTwice(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	pod := s.mustCreate(annotated("receipts,receipts , receipts"))
	s.wantSources(pod.Spec.Containers[0], "sc-receipts-secret")
}

// A connection that serves other namespaces reads as one that does not exist,
// and only what the namespace can use is suggested.
func TestUnavailable(t *testing.T) {
	mine, theirs := newNamespace(t), newNamespace(t)
	hidden := connectCluster(t, map[string]string{"shop": theirs.name})
	mine.connect("orders-db", identitySpec(clientA))
	theirs.connect("orders-db2", identitySpec(clientA))

	refused := mine.mustDeny(annotated(hidden), `connection "`+hidden+`" is not available in namespace "`+mine.name+`"`,
		"(kubectl connection list -n "+mine.name+")")
	absent := strings.Repeat("z", len(hidden))
	unknown := mine.mustDeny(annotated(absent))
	if diff := cmp.Diff(strings.ReplaceAll(unknown, absent, hidden), refused); diff != "" {
		t.Errorf("not allowed reads other than unknown:\n%s", diff)
	}
	mine.mustDeny(annotated("orders-bd"), `; did you mean "orders-db"?`)
	if message := mine.mustDeny(annotated("orders-db3")); strings.Contains(message, "orders-db2") {
		t.Errorf("a connection of another namespace is suggested: %s", message)
	}
	theirs.mustCreate(annotated(hidden))
}

func TestNotReady(t *testing.T) {
	s := newNamespace(t)
	s.connect("orders", secretSpec("later"))
	s.mustDeny(annotated("orders"), `connection "orders" is not ready: Secret "later" with the credentials does not exist in namespace "`+s.name+`"; create it`)
	s.wantReady("orders", v1alpha1.ReasonCredentialsNotFound)
	s.credentials("later", map[string]string{"pasword": "p"})
	s.mustDeny(annotated("orders"), `has no key "password", or an empty one; add it`)
	if _, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-orders-secret", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a Secret was made: %v", err)
	}
	// Once the credentials are there pods are admitted, whatever the status of a
	// moment ago still says.
	s.kubectl("patch", "secret", "later", "-p", `{"stringData":{"password":"p"}}`)
	s.mustCreate(annotated("orders"))
}

func TestUnknownContainer(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	pod := annotated("receipts")
	pod.Annotations[v1alpha1.AnnotationContainers] = "app,wep"
	s.mustDeny(pod, `annotation serviceconnector.dev/containers names container "wep", which the pod does not have; it has app`)
	s.wantOurs(0) // a pod that is refused leaves nothing behind

	// The names of containers are checked after us: they can be anything.
	pod.Spec.Containers[0].Name = strings.Repeat("x\x1b[31m\n", 100<<10)
	for range 50 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "y", Image: "example.com/y"})
	}
	before := len(webhookLog(t))
	if message := s.mustDeny(pod, "and 41 more"); len(message) > 1000 || strings.Contains(message, "\x1b") {
		t.Errorf("the message is %d bytes long: %.300q", len(message), message)
	}
	if grown := len(webhookLog(t)) - before; grown > 10<<10 {
		t.Errorf("the log grew by %d bytes", grown)
	}
}

func TestServiceAccountOfTheAuthor(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	for name, clientID := range map[string]string{"same": clientA, "other": clientB, "none": ""} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if clientID != "" {
			account.Annotations = map[string]string{v1alpha1.AnnotationClientID: clientID}
		}
		if _, err := clients.CoreV1().ServiceAccounts(s.name).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	runAs := func(name string) *corev1.Pod {
		pod := annotated("receipts")
		pod.Spec.ServiceAccountName = name
		return pod
	}
	for _, name := range []string{"other", "none"} {
		s.mustDeny(runAs(name), `connection "receipts" needs service account "sc-account-`+clientA+`", but the pod names "`+name+`"`,
			`annotate "`+name+`" with azure.workload.identity/client-id=`+clientA+` or leave serviceAccountName out`)
	}
	s.wantOurs(0)
	kept := s.mustCreate(runAs("same"))
	if kept.Spec.ServiceAccountName != "same" || kept.Labels[v1alpha1.LabelWorkloadIdentity] != "true" {
		t.Errorf("service account %q, labels %v", kept.Spec.ServiceAccountName, kept.Labels)
	}
	s.wantSources(kept.Spec.Containers[0], "sc-receipts-secret")
	s.wantOurs(1)                                                                            // the Secret; no service account that nobody needs
	s.kubectl("annotate", "serviceaccount", "none", v1alpha1.AnnotationClientID+"="+clientA) // as the message says
	s.mustCreate(runAs("none"))
	if created := s.mustCreate(runAs("default")); created.Spec.ServiceAccountName != "sc-account-"+clientA {
		t.Errorf("default does not count as unset: %q", created.Spec.ServiceAccountName)
	}
}

// A service account of ours that somebody changed is put right before a pod
// runs as it, and follows its connection's tenant.
func TestDriftedServiceAccount(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.mustCreate(annotated("receipts"))
	account := "sc-account-" + clientA
	awaitIdentity := func(what, clientID, tenantID string) {
		t.Helper()
		s.eventually(what, func() bool {
			s.mustCreate(annotated("receipts"))
			a, err := clients.CoreV1().ServiceAccounts(s.name).Get(t.Context(), account, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return a.Annotations[v1alpha1.AnnotationClientID] == clientID && a.Annotations[v1alpha1.AnnotationTenantID] == tenantID
		})
	}
	s.kubectl("annotate", "serviceaccount", account, v1alpha1.AnnotationClientID+"-")
	awaitIdentity("the client id is back", clientA, tenant)
	s.kubectl("patch", "connection", "receipts", "--type=merge", "-p", `{"spec":{"auth":{"workloadIdentity":{"tenantID":"`+clientB+`"}}}}`)
	awaitIdentity("the tenant follows", clientA, clientB)
	// A connection of another tenant does not take it over, alone or beside.
	spec2 := identitySpec(clientA)
	s.connect("foreign", spec2)
	s.mustDeny(annotated("foreign"), `service account "`+account+`" in namespace "`+s.name+`" is of another tenant, that of connection "receipts"`)
	pod2 := annotated("receipts,foreign")
	pod2.Annotations[v1alpha1.AnnotationEnvPrefix+"foreign"] = "F_"
	s.mustDeny(pod2, `connections "receipts" and "foreign" name two tenants for the identity `+clientA)
	// Another connection of that identity, which says no tenant, leaves it.
	spec := identitySpec(clientA)
	spec.Auth.WorkloadIdentity.TenantID = ""
	s.connect("second", spec)
	pod := annotated("second")
	s.mustCreate(pod)
	awaitIdentity("the tenant stays", clientA, clientB)
}

// Two connections that were given one Secret's name never share it, however
// close together their pods come.
func TestSharedSecretName(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	for _, name := range []string{"first", "second"} {
		spec := secretSpec("orders")
		spec.SecretName = "shared"
		s.connect(name, spec)
	}
	admitted := map[string]int{}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for i := range 20 {
		wait.Go(func() {
			name := []string{"first", "second"}[i%2]
			if _, err := s.create(annotated(name)); err == nil {
				mu.Lock()
				admitted[name]++
				mu.Unlock()
			} else if !strings.Contains(err.Error(), `connection "`+name+`": Secret "shared" in namespace "`+s.name+`" belongs to connection "`) {
				t.Errorf("refused with: %v", err)
			}
		})
	}
	wait.Wait()
	secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "shared", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owner := secret.Labels[v1alpha1.LabelConnection]
	if len(admitted) != 1 || admitted[owner] != 10 {
		t.Errorf("the Secret is of %q; admitted were %v", owner, admitted)
	}
}

// What we made ourselves is no source of credentials: the certificate authority
// is such an object.
func TestOwnSecretsAreNoSource(t *testing.T) {
	name := "ca-" + random(t)
	c := &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec: v1alpha1.ConnectionSpec{Target: v1alpha1.Target{Service: "custom"}, Auth: v1alpha1.Auth{Type: v1alpha1.AuthSecret},
			Settings: []v1alpha1.Setting{{Name: "STOLEN", ValueFrom: &v1alpha1.SettingSource{
				SecretKeyRef: v1alpha1.SecretKeyReference{Name: authoritySecret, Key: "tls.key"}}}}},
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromAll},
	}}
	if err := objects.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = objects.Delete(t.Context(), c) }()
	newNamespace(t).mustDeny(annotated(name), `Secret "`+authoritySecret+`" was made by Service Connector, so it is no source of credentials`)
}

// A selector that cannot be read serves nobody, and says so.
func TestIllegalSelector(t *testing.T) {
	c := &v1alpha1.ClusterConnection{ObjectMeta: metav1.ObjectMeta{Name: "bad-" + random(t)}, Spec: v1alpha1.ClusterConnectionSpec{
		ConnectionSpec: identitySpec(clientA),
		AllowedNamespaces: v1alpha1.AllowedNamespaces{From: v1alpha1.AllowedFromSelector, Selector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}},
	}}
	if err := objects.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = objects.Delete(t.Context(), c) }()
	eventually(t, "it is not ready", func() bool {
		if err := objects.Get(t.Context(), key("", c.Name), c); err != nil {
			t.Fatal(err)
		}
		ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == v1alpha1.ReasonIllegalSelector && strings.Contains(ready.Message, `"Near"`)
	})
}

func TestTwoIdentities(t *testing.T) {
	s := newNamespace(t)
	s.connect("a", identitySpec(clientA))
	s.connect("b", identitySpec(clientB))
	s.mustDeny(annotated("a,b"), `connections "a" and "b" need two identities (`+clientA+` and `+clientB+`)`)
}

func TestClashingVariables(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders-db", secretSpec("orders"))
	s.connect("reports-db", secretSpec("orders"))
	s.mustDeny(annotated("orders-db,reports-db"),
		`connections "orders-db" and "reports-db" both set AZURE_POSTGRESQL_CONNECTIONSTRING; set serviceconnector.dev/env-prefix.reports-db`)
	pod := annotated("orders-db,reports-db")
	pod.Annotations[v1alpha1.AnnotationEnvPrefix+"reports-db"] = "REPORTS_"
	s.wantSources(s.mustCreate(pod).Spec.Containers[0], "sc-orders-db-secret REPORTS_:sc-reports-db-secret")
}

// An object of the right name without our mark is not written, and denies the
// pod unless it is what the connection needs.
func TestForeignObjects(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("orders"))
	s.connect("receipts", identitySpec(clientA))
	s.connect("azure", identitySpec(clientB))

	s.credentials("sc-orders-secret", map[string]string{"own": "data"})
	for clientID, name := range map[string]string{clientA: "something-else", clientB: clientB} {
		_, err := clients.CoreV1().ServiceAccounts(s.name).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
			Name: "sc-account-" + clientID, Annotations: map[string]string{v1alpha1.AnnotationClientID: name}}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := s.foreign()
	s.mustDeny(annotated("orders"), `connection "orders": Secret "sc-orders-secret" in namespace "`+s.name+`" was not made by Service Connector and is left as it is; rename it, or set spec.secretName`)
	s.mustDeny(annotated("receipts"), `connection "receipts": service account "sc-account-`+clientA+`" in namespace "`+s.name+`" was not made by Service Connector`, "annotate it so, or delete it")
	if pod := s.mustCreate(annotated("azure")); pod.Spec.ServiceAccountName != "sc-account-"+clientB {
		t.Errorf("a service account with the same client id is not used: %q", pod.Spec.ServiceAccountName)
	}
	if diff := cmp.Diff(before, s.foreign()); diff != "" {
		t.Errorf("foreign objects were written (-before +after):\n%s", diff)
	}
}

// foreign returns the resource versions of the objects of TestForeignObjects.
func (s *shop) foreign() map[string]string {
	s.t.Helper()
	secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), "sc-orders-secret", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	versions := map[string]string{secret.Name: secret.ResourceVersion}
	for _, clientID := range []string{clientA, clientB} {
		account, err := clients.CoreV1().ServiceAccounts(s.name).Get(s.t.Context(), "sc-account-"+clientID, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		versions[account.Name] = account.ResourceVersion
	}
	return versions
}

// A mirror pod may name neither Secrets nor service accounts: it is not even
// sent to us.
func TestMirrorPod(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	calls := s.calls("pods")
	pod := annotated("receipts")
	pod.Annotations[corev1.MirrorPodAnnotationKey] = "x"
	pod.Spec.NodeName = "paper-node"
	created := s.mustCreate(pod)
	s.wantSources(created.Spec.Containers[0], "")
	if created.Spec.ServiceAccountName != "" || len(created.Labels) != 0 {
		t.Errorf("service account %q, labels %v", created.Spec.ServiceAccountName, created.Labels)
	}
	if now := s.calls("pods"); now != calls {
		t.Errorf("%d calls", now-calls)
	}
}

func TestDryRun(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("orders"))
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	pod, err := clients.CoreV1().Pods(s.name).Create(t.Context(), annotated("receipts,orders"), dry)
	if err != nil {
		t.Fatal(err)
	}
	s.wantSources(pod.Spec.Containers[0], "sc-receipts-secret sc-orders-secret")
	if pod.Spec.ServiceAccountName != "default" || pod.Labels[v1alpha1.LabelWorkloadIdentity] != "true" {
		t.Errorf("service account %q, labels %v", pod.Spec.ServiceAccountName, pod.Labels)
	}
	output := s.warnings("run", "web", "--image=example.com/web", "--dry-run=server", "--annotations="+v1alpha1.AnnotationConnections+"=receipts")
	if want := `Warning: dry run: service account "sc-account-` + clientA + `" would be made; its name is left out of the pod`; !strings.Contains(output, want) {
		t.Errorf("output %q, want %q in it", output, want)
	}
	s.wantOurs(0)
	// The same refusals, too.
	if _, err := clients.CoreV1().Pods(s.name).Create(t.Context(), annotated("nothing"), dry); !apierrors.IsForbidden(err) {
		t.Errorf("got %v", err)
	}
	// Where the service account exists, its name is patched.
	s.mustCreate(annotated("receipts"))
	if pod, err = clients.CoreV1().Pods(s.name).Create(t.Context(), annotated("receipts"), dry); err != nil || pod.Spec.ServiceAccountName != "sc-account-"+clientA {
		t.Errorf("service account %q, %v", pod.Spec.ServiceAccountName, err)
	}
}

// wantOurs asserts how many objects in the shop carry our mark.
func (s *shop) wantOurs(n int) {
	s.t.Helper()
	ours := metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy}
	secrets, err := clients.CoreV1().Secrets(s.name).List(s.t.Context(), ours)
	if err != nil {
		s.t.Fatal(err)
	}
	accounts, err := clients.CoreV1().ServiceAccounts(s.name).List(s.t.Context(), ours)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := len(secrets.Items) + len(accounts.Items); got != n {
		s.t.Errorf("%d objects of ours, want %d", got, n)
	}
}

func TestQuota(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	_, err := clients.CoreV1().ResourceQuotas(s.name).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "tight"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/secrets": resource.MustParse("0")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually("the quota is counted", func() bool {
		quota, err := clients.CoreV1().ResourceQuotas(s.name).Get(t.Context(), "tight", metav1.GetOptions{})
		return err == nil && quota.Status.Hard != nil
	})
	s.mustDeny(annotated("receipts"), `connection "receipts": Secret "sc-receipts-secret" cannot be made in namespace "`+s.name+`"`,
		"exceeded quota: tight", "limited: count/secrets=0")
}

// Without a right, the message names the verb and the resource; with the right
// given back, all goes on without a restart.
func TestMissingRights(t *testing.T) {
	role, err := clients.RbacV1().ClusterRoles().Get(t.Context(), "service-connector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		now, err := clients.RbacV1().ClusterRoles().Get(t.Context(), role.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		now.Rules = role.Rules
		if _, err := clients.RbacV1().ClusterRoles().Update(t.Context(), now, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	defer restore()
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	reduced := role.DeepCopy()
	for i := range reduced.Rules {
		if reduced.Rules[i].Resources[0] == "secrets" {
			reduced.Rules[i].Verbs = []string{"get", "list", "watch"}
		}
	}
	if _, err := clients.RbacV1().ClusterRoles().Update(t.Context(), reduced, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the right is gone", func() bool {
		_, err := s.create(annotated("receipts"))
		return err != nil && strings.Contains(err.Error(), `cannot create resource "serviceaccounts"`)
	})
	s.mustDeny(annotated("receipts"), `connection "receipts": ServiceAccount "sc-account-`+clientA+`" cannot be made in namespace "`+s.name+`"`)
	restore()
	s.eventually("pods are admitted again", func() bool {
		_, err := s.create(annotated("receipts"))
		return err == nil
	})
}

// The API server refuses pods of a namespace that terminates before it calls
// us; where a request crosses the deletion, its answer is passed on with its
// cause, which controllers read.
func TestTerminatingNamespace(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	_, err := clients.CoreV1().ConfigMaps(s.name).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "holds-it", Finalizers: []string{"example.com/test"}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.connect("second", identitySpec(clientB))
	// The connection outlives the test: else its deletion could come first.
	s.kubectl("patch", "connection", "second", "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/test"]}}`)
	defer s.kubectl("patch", "connection", "second", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	if err := clients.CoreV1().Namespaces().Delete(t.Context(), s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	defer s.kubectl("patch", "configmap", "holds-it", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	s.eventually("the namespace terminates", func() bool {
		_, err := s.create(annotated("receipts"))
		return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
	})
	response := s.review(t, "second")
	if response.Allowed || response.Result.Details == nil || len(response.Result.Details.Causes) != 1 ||
		response.Result.Details.Causes[0].Type != corev1.NamespaceTerminatingCause {
		t.Errorf("response %+v %+v", response, response.Result)
	}
}
