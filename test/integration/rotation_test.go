// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/product"
)

// pace is how many objects are brought up to date in a second, as the webhook's
// help says, and atOnce how many may come together.
const (
	pace   = 50
	atOnce = 8
)

const connectionString = "AZURE_POSTGRESQL_CONNECTIONSTRING"

// rotate gives the credentials of a connection another password.
func rotate(t *testing.T, namespace, name, password string) {
	t.Helper()
	_, err := clients.CoreV1().Secrets(namespace).Patch(t.Context(), name, types.MergePatchType,
		fmt.Appendf(nil, `{"stringData": {"password": "%s-%s"}}`, password, canary), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func rotatedCredentialsFollow(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	before := s.secret("sc-orders-secret")
	if strings.Contains(string(before.Data[connectionString]), "rotated") || before.Annotations[v1alpha1.AnnotationChanged] != "" {
		t.Fatalf("changed before anything did: %v", before.Annotations)
	}
	rotate(t, s.name, "creds", "rotated")
	s.eventually("the Secret follows the credentials", func() bool {
		return strings.Contains(string(s.secret(before.Name).Data[connectionString]), "rotated")
	})
	after := s.secret(before.Name)
	if after.UID != before.UID {
		t.Error("the Secret was made anew; pods that read it would have none for a moment")
	}
	if _, err := time.Parse(time.RFC3339, after.Annotations[v1alpha1.AnnotationChanged]); err != nil {
		t.Errorf("nothing says when the content changed: %v", err)
	}
	if told := append(s.events(v1alpha1.EventRepaired, before.Name), s.events(v1alpha1.EventRestored, before.Name)...); len(told) > 0 {
		t.Errorf("a rotation is taken for an edit: %v", told)
	}
	s.wantCount("orders", 1, 1)
}

// A definition that is edited reaches namespaces without a new pod.
func TestEditedDefinitionFollows(t *testing.T) {
	s := newNamespace(t)
	s.provisioned()
	s.kubectl("patch", "connection", "orders", "--type=merge", "-p", `{"spec":{"target":{"parameters":{"database":"archive"}}}}`)
	s.within(soon, "the Secret follows the definition", func() bool {
		return strings.Contains(string(s.secret("sc-orders-secret").Data[connectionString]), "archive")
	})
	s.eventually("the status speaks of the new generation", func() bool {
		var c v1alpha1.Connection
		if err := objects.Get(t.Context(), key(s.name, "orders"), &c); err != nil {
			t.Fatal(err)
		}
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionProvisioned)
		return c.Status.ObservedGeneration == c.Generation && condition != nil &&
			condition.ObservedGeneration == c.Generation && condition.Reason == v1alpha1.ReasonUpToDate
	})
}

// A rotation across 1,000 namespaces keeps its pace, goes on where a controller
// was killed, and ends in the same state. A restart of the controller, when
// nothing has changed, makes no write.
func TestRotationAcross1000Namespaces(t *testing.T) {
	const namespaces = 1000
	fleet := newFleet(t, namespaces)
	fleet.wantAll(t, "p", namespaces)

	t.Run("it keeps its pace", func(t *testing.T) {
		stop := sampleWrites(t)
		start := time.Now()
		rotate(t, product.Namespace, fleet.name, "second")
		fleet.wantAll(t, "second", namespaces)
		rates := stop()
		t.Logf("1,000 Secrets in %s; writes of Secrets a second: %v", time.Since(start).Round(time.Second), rates)
		for _, rate := range rates {
			// At most: what the pace allows, what it allows at once, and what was under way
			// when the second began.
			if rate > pace+2*atOnce+5 {
				t.Errorf("%.0f writes of Secrets in a second, want about %d at most: %v", rate, pace, rates)
				break
			}
		}
		fleet.wantStatus(t, namespaces)
	})

	t.Run("a restart makes no write", func(t *testing.T) {
		fleet.wantStale(t, namespaces) // the rotation is at its end, what it did to pods is told
		from := len(writesOfControllers(t))
		var reads int
		restart(t, func() error {
			err := installed.Stop()
			reads = len(fleet.reads(t)) // the next one may read before it is ready
			return err
		})
		// It looks at 20 a second, and at those of other tests, too.
		read := map[string]bool{}
		for end := time.Now().Add(3 * time.Minute); len(read) < namespaces; time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Fatalf("the controller has looked at %d Secrets only", len(read))
			}
			for _, e := range fleet.reads(t)[reads:] {
				read[e.ObjectRef.Namespace] = true
			}
		}
		for _, e := range writesOfControllers(t)[from:] {
			t.Errorf("a write: %s by %s of %+v", e.Verb, e.UserAgent, e.ObjectRef)
			(&shop{t: t, name: e.ObjectRef.Namespace}).logIfFailed()
		}
	})

	t.Run("50 kills end in the same state", func(t *testing.T) {
		before := fleet.writes(t)
		rotate(t, product.Namespace, fleet.name, "third")
		for kill := range 50 {
			time.Sleep(rand.N(700 * time.Millisecond)) // at a random moment
			restart(t, installed.Kill)
			if kill == 25 {
				rotate(t, product.Namespace, fleet.name, "fourth")
			}
		}
		fleet.wantAll(t, "fourth", namespaces)
		fleet.wantStatus(t, namespaces)
		// Two rotations write each twice. What was under way at a kill may be written
		// once more, since it can still arrive after the next leader's.
		writes := fleet.writes(t) - before
		t.Logf("%d writes of 1,000 Secrets for two rotations with 50 kills", writes)
		if most := 2*namespaces + 50*2*atOnce; writes > most {
			t.Errorf("want at most %d", most)
		}
	})
}

// restart ends the webhook in a way, and starts it again. The lease of one that was
// killed is dropped, so that the next need not wait for its end each time.
func restart(t *testing.T, end func() error) {
	t.Helper()
	if err := end(); err != nil {
		t.Fatal(err)
	}
	_ = clients.CoordinationV1().Leases(product.Namespace).Delete(t.Context(), "service-connector", metav1.DeleteOptions{})
	if err := installed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fleet are namespaces that use one ClusterConnection.
type fleet struct {
	name string
}

func newFleet(t *testing.T, namespaces int) *fleet {
	t.Helper()
	group := "fleet-" + random(t)
	f := &fleet{name: connectCluster(t, map[string]string{"fleet": group})}
	work := make(chan int)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for i := range work {
				name := fmt.Sprintf("%s-%d", group, i)
				if err := makeUser(t.Context(), name, group, f.name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range namespaces {
		work <- i
	}
	close(work)
	wait.Wait()
	return f
}

// makeUser makes a namespace with a pod that uses a connection.
func makeUser(ctx context.Context, namespace, group, connection string) error {
	_, err := clients.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"fleet": group}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	// The namespace's service account default may not be there yet.
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		_, err = clients.CoreV1().Pods(namespace).Create(ctx, annotated(connection), metav1.CreateOptions{})
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (f *fleet) secrets(t *testing.T) []corev1.Secret {
	t.Helper()
	list, err := clients.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelConnection + "=" + f.name})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// wantAll waits until that many Secrets of the fleet hold a password, for as long
// as it may take.
func (f *fleet) wantAll(t *testing.T, password string, n int) {
	t.Helper()
	have := 0
	for end := time.Now().Add(3 * time.Minute); have < n; time.Sleep(250 * time.Millisecond) {
		if have = 0; time.Now().After(end) {
			t.Fatalf("not every Secret has the password %s", password)
		}
		for _, secret := range f.secrets(t) {
			if strings.Contains(string(secret.Data[connectionString]), "password="+password+"-") {
				have++
			}
		}
	}
}

// wantStatus waits until the status says that all namespaces are up to date.
func (f *fleet) wantStatus(t *testing.T, n int32) {
	t.Helper()
	eventually(t, "the status counts them all", func() bool {
		var c v1alpha1.ClusterConnection
		if err := objects.Get(t.Context(), client.ObjectKey{Name: f.name}, &c); err != nil {
			t.Fatal(err)
		}
		return c.Status.Namespaces == v1alpha1.NamespaceCount{Total: n, Provisioned: n} &&
			meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionProvisioned)
	})
}

// wantStale waits until the status says how many pods have earlier values.
func (f *fleet) wantStale(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the status counts the pods with earlier values", func() bool {
		var c v1alpha1.ClusterConnection
		if err := objects.Get(t.Context(), client.ObjectKey{Name: f.name}, &c); err != nil {
			t.Fatal(err)
		}
		condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionRolledOut)
		return condition != nil && strings.HasPrefix(condition.Message, fmt.Sprintf("%d workloads run with earlier values", n))
	})
}

// reads are the requests by which the controller read Secrets of the fleet.
func (f *fleet) reads(t *testing.T) []auditEvent {
	t.Helper()
	return ourRequests(t, func(e auditEvent) bool {
		return e.Verb == "get" && e.ObjectRef.Resource == "secrets" && e.ObjectRef.Name == "sc-"+f.name+"-secret"
	})
}

// writes returns how many writes of the fleet's Secrets the audit log has.
func (f *fleet) writes(t *testing.T) int {
	t.Helper()
	return len(ourRequests(t, func(e auditEvent) bool {
		return e.Verb == "patch" && e.ObjectRef.Resource == "secrets" && e.ObjectRef.Name == "sc-"+f.name+"-secret"
	}))
}

// writesOfControllers are the writes of what comes after admission, but for its
// lease and for events: their names keep them from being told twice, and what their
// bound dropped a new leader may tell.
func writesOfControllers(t *testing.T) []auditEvent {
	t.Helper()
	return ourRequests(t, func(e auditEvent) bool {
		return strings.HasPrefix(e.UserAgent, "service-connector-controller/") && e.ObjectRef.Resource != "leases" &&
			e.ObjectRef.Resource != "events" && (e.Verb == "create" || e.Verb == "patch" || e.Verb == "update" || e.Verb == "delete")
	})
}

// sampleWrites reads every second from the API server's own metrics how many
// Secrets were written since the second before, until stop is called.
func sampleWrites(t *testing.T) (stop func() []float64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan []float64)
	go func() {
		var rates []float64
		last, at := writtenSecrets(t), time.Now()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			now, then := writtenSecrets(t), time.Now()
			rates = append(rates, float64(int((now-last)/then.Sub(at).Seconds())))
			last, at = now, then
		}
		result <- rates
	}()
	return func() []float64 {
		cancel()
		return <-result
	}
}

// writtenSecrets is the API server's count of requests that write Secrets.
func writtenSecrets(t *testing.T) float64 {
	t.Helper()
	raw, err := clients.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Error(err)
		return 0
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(raw)))
	if err != nil {
		t.Error(err)
		return 0
	}
	sum := 0.0
	for _, m := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		if labels["resource"] == "secrets" && labels["verb"] != http.MethodGet && labels["verb"] != "LIST" && labels["verb"] != "WATCH" {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
