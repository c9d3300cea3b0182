// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/product"
)

// canary is in every credential here, and nowhere else to be seen.
const canary = "c4n4ry"

// patience is how long a condition may take: longer than a circuit is open, and
// than credentials stay unread.
const patience = 75 * time.Second

// shop is a namespace of a test, with linkers of its own.
type shop struct {
	t *testing.T
	// name is of the namespace; linkers begin with prefix.
	name, prefix string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, name: "t-" + hex.EncodeToString(b[:]), prefix: "l" + hex.EncodeToString(b[:]) + "_"}
	s.make()
	t.Cleanup(func() {
		if t.Failed() {
			s.showLog()
		}
		for _, l := range cloud.Linkers(aks) {
			if strings.HasPrefix(l.Name, s.prefix) {
				cloud.RemoveLinker(aks, l.Name)
			}
		}
	})
	return s
}

// make makes the namespace.
func (s *shop) make() {
	s.t.Helper()
	_, err := clients.CoreV1().Namespaces().Create(s.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name}}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the service account default exists", func() bool {
		_, err := clients.CoreV1().ServiceAccounts(s.name).Get(s.t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
}

// showLog shows what the webhook last logged.
func (s *shop) showLog() {
	raw, err := os.ReadFile(installed.Log)
	if err != nil {
		s.t.Log(err)
	}
	s.t.Logf("the webhook's log ends:\n%s", raw[max(0, len(raw)-6000):])
}

// link sets a linker and returns the name of its Connection.
func (s *shop) link(name string, l azure.Linker) string {
	s.t.Helper()
	l.Name = s.prefix + name
	if l.Scope == "" {
		l.Scope = s.name
	}
	cloud.SetLinker(aks, l)
	return s.connection(name)
}

func (s *shop) connection(name string) string {
	return strings.ToLower(strings.ReplaceAll(s.prefix+name, "_", "-"))
}

// compact is a linker's name as it is in names of objects.
func (s *shop) compact(name string) string {
	return strings.ReplaceAll(strings.ToLower(s.prefix+name), "_", "")
}

// byIdentity and byKey are linkers to the storage account.
func byIdentity() azure.Linker {
	return azure.Linker{
		Target: map[string]any{"type": "AzureResource", "id": blob}, ClientType: "python",
		Auth: map[string]any{"authType": "userAssignedIdentity", "clientId": appID, "subscriptionId": "sub"},
		Configurations: []azure.Configuration{
			{Name: "AZURE_STORAGEBLOB_RESOURCEENDPOINT", Value: "https://receipts.blob.core.windows.net/"}, {Name: "AZURE_STORAGEBLOB_CLIENTID", Value: appID},
		},
	}
}

func byKey() azure.Linker {
	return azure.Linker{
		Target: map[string]any{"type": "AzureResource", "id": blob}, Auth: map[string]any{"authType": "accessKey"},
		Configurations: []azure.Configuration{{Name: "AZURE_STORAGEBLOB_CONNECTIONSTRING", Value: "AccountKey=" + canary}},
	}
}

// setKey gives the storage account a key.
func setKey(key string) {
	cloud.SetKeys(account, "listKeys", map[string]any{"keys": []any{map[string]any{"keyName": "key1", "value": key + canary}}})
}

func (s *shop) get(name string) (*v1alpha1.Connection, bool) {
	s.t.Helper()
	c := &v1alpha1.Connection{}
	err := objects.Get(s.t.Context(), client.ObjectKey{Namespace: s.name, Name: name}, c)
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	return c, err == nil
}

// imported waits until a Connection has the condition Imported with a status and a
// reason, and returns its message.
func (s *shop) imported(name string, status metav1.ConditionStatus, reason string) string {
	s.t.Helper()
	return s.says(name, status, reason, "")
}

// says waits until it also says something.
func (s *shop) says(name string, status metav1.ConditionStatus, reason, what string) string {
	s.t.Helper()
	var last *metav1.Condition
	s.t.Cleanup(func() {
		if s.t.Failed() && last != nil {
			s.t.Logf("Connection %s is %s %s: %s", name, last.Status, last.Reason, last.Message)
		}
	})
	s.eventually("Connection "+name+" is "+reason+" "+what, func() bool {
		c, _ := s.get(name)
		last = meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionImported)
		return last != nil && last.Status == status && last.Reason == reason && strings.Contains(last.Message, what)
	})
	return last.Message
}

// pod makes a pod that uses connections.
func (s *shop) pod(connections string) *corev1.Pod {
	s.t.Helper()
	pod, err := s.create(connections)
	if err != nil {
		s.t.Fatal(err)
	}
	return pod
}

func (s *shop) create(connections string) (*corev1.Pod, error) {
	return clients.CoreV1().Pods(s.name).Create(s.t.Context(), annotated(connections), metav1.CreateOptions{})
}

// annotated is a pod that uses connections.
func annotated(connections string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "p-", Annotations: map[string]string{v1alpha1.AnnotationConnections: connections}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app"}}},
	}
}

func (s *shop) secret(name string) *corev1.Secret {
	s.t.Helper()
	secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	return secret
}

// events returns the messages of the events with a reason in a namespace.
func (s *shop) events(namespace, reason string) string {
	s.t.Helper()
	list, err := clients.CoreV1().Events(namespace).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, e := range list.Items {
		if e.Reason == reason {
			all = append(all, e.Message)
		}
	}
	return strings.Join(all, "\n")
}

func (s *shop) eventually(what string, done func() bool) {
	s.t.Helper()
	s.within(patience, what, done)
}

func (s *shop) within(patience time.Duration, what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// restart starts the webhook again, and does not have it wait for the lease of the one
// before.
func restart(t *testing.T) error {
	t.Helper()
	_ = clients.CoordinationV1().Leases(product.Namespace).Delete(t.Context(), "service-connector", metav1.DeleteOptions{})
	return installed.Restart(t.Context())
}

func mustURL(path string) *url.URL { return &url.URL{Path: path} }
