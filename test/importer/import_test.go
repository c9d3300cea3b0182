// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
	"serviceconnector.dev/test/product"
)

// A linker becomes a Connection in the namespace that it names, and pods get it.
func TestLinkerBecomesConnection(t *testing.T) {
	s := newShop(t)
	name := s.link("Blob_1", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	pod := s.pod(name)
	want := "sc-" + s.compact("Blob_1") + "-secret"
	if from := pod.Spec.Containers[0].EnvFrom; len(from) != 1 || from[0].SecretRef.Name != want {
		t.Errorf("the pod gets %+v, want Secret %s", from, want)
	}
	if pod.Spec.ServiceAccountName != "sc-account-"+appID {
		t.Errorf("the pod runs as %q", pod.Spec.ServiceAccountName)
	}
	if got := string(s.secret(want).Data["AZURE_STORAGEBLOB_RESOURCEENDPOINT"]); got != "https://receipts.blob.core.windows.net/" {
		t.Errorf("the endpoint is %q", got)
	}
	c, _ := s.get(name)
	if c.Labels[v1alpha1.LabelImported] != v1alpha1.ImportedFromAzure || !strings.HasSuffix(c.Annotations[v1alpha1.AnnotationLinker], s.prefix+"Blob_1") {
		t.Errorf("nothing says where it comes from: %v, %v", c.Labels, c.Annotations)
	}
}

// Azure blanks keys; they are read from the target, and a rotated one follows.
func TestKeysAreReadAndFollow(t *testing.T) {
	s := newShop(t)
	setKey("first")
	name := s.link("keys", byKey())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	s.pod(name)
	holds := func(key string) bool {
		return strings.Contains(string(s.secret("sc-" + s.compact("keys") + "-secret").Data["AZURE_STORAGEBLOB_CONNECTIONSTRING"]), "AccountKey="+key+canary)
	}
	if !holds("first") {
		t.Error("the pod's Secret lacks the key")
	}
	setKey("second")
	s.eventually("the rotated key reaches the Secret", func() bool { return holds("second") })
	cloud.RemoveLinker(aks, s.prefix+"keys")
	s.eventually("the key that was read goes with the linker", func() bool {
		return s.secret("sc-"+s.compact("keys")+"-credentials").UID == ""
	})
}

// What Azure does not give is asked for, and taken.
func TestPasswordIsAskedFor(t *testing.T) {
	s := newShop(t)
	name := s.link("orders", azure.Linker{
		Target: map[string]any{"type": "AzureResource", "id": database}, ClientType: "go",
		Auth: map[string]any{"authType": "secret", "name": "app", "secretInfo": map[string]any{"secretType": "rawValue", "value": canary}},
	})
	credentials := "sc-" + s.compact("orders") + "-credentials"
	if message := s.imported(name, metav1.ConditionFalse, v1alpha1.ReasonCredentialsNotFound); !strings.Contains(message, credentials) {
		t.Errorf("it says %q", message)
	}
	_, err := clients.CoreV1().Secrets(s.name).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: credentials}, StringData: map[string]string{"password": canary},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	s.eventually("pods are given it", func() bool {
		_, err := s.create(name)
		return err == nil
	})
}

// What Azure says is put back, with an event; what is the namespace's stays. So does
// a Connection that is deleted come back.
func TestEditsArePutBack(t *testing.T) {
	s := newShop(t)
	name := s.link("edited", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	_, err := controlPlane.Kubectl(t.Context(), "-n", s.name, "patch", "connection", name, "--type=merge", "-p",
		`{"spec":{"client":"java","deletionPolicy":"Delete","inject":"Both"},"metadata":{"labels":{"team":"shop"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	s.eventually("the client type is put back", func() bool {
		c, _ := s.get(name)
		return c.Spec.Client == "python"
	})
	c, _ := s.get(name)
	if c.Spec.DeletionPolicy != v1alpha1.DeletionDelete || c.Spec.Inject != v1alpha1.InjectBoth || c.Labels["team"] != "shop" {
		t.Errorf("what is the namespace's is gone: %+v", c)
	}
	s.eventually("an event tells", func() bool { return strings.Contains(s.events(s.name, v1alpha1.EventImportRepaired), "was edited") })
	if err := objects.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.eventually("the Connection is back", func() bool {
		again, ok := s.get(name)
		return ok && again.UID != c.UID
	})
}

// A linker that changes or goes takes its Connection along. Pods that run keep what they
// have, new ones are refused.
func TestLinkerChangesAndGoes(t *testing.T) {
	s := newShop(t)
	l := byIdentity()
	name := s.link("moves", l)
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	l.ClientType = "springBoot"
	s.link("moves", l)
	s.eventually("the Connection follows", func() bool {
		c, _ := s.get(name)
		return c.Spec.Client == "springBoot"
	})
	if told := s.events(s.name, v1alpha1.EventImportRepaired); told != "" {
		t.Errorf("a change in Azure is taken for an edit: %s", told)
	}
	given := s.pod(name).Spec.Containers[0].EnvFrom[0].SecretRef.Name
	cloud.RemoveLinker(aks, s.prefix+"moves")
	s.eventually("the Connection is gone", func() bool {
		_, ok := s.get(name)
		return !ok
	})
	s.eventually("new pods are refused", func() bool {
		_, err := s.create(name)
		return apierrors.IsForbidden(err) || err != nil && strings.Contains(err.Error(), "is not available in namespace")
	})
	s.eventually("the Secret is left, and nobody's", func() bool {
		return s.secret(given).Annotations[v1alpha1.AnnotationRetained] != ""
	})
}

// The Secret that Azure made is used as it is, and not written.
func TestSecretOfAzureIsUsed(t *testing.T) {
	s := newShop(t)
	secret := "sc-" + s.compact("theirs") + "-secret"
	made, err := clients.CoreV1().Secrets(s.name).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: secret}, StringData: map[string]string{"AZURE_STORAGEBLOB_CLIENTID": "as Azure wrote it"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := s.link("theirs", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	if from := s.pod(name).Spec.Containers[0].EnvFrom; len(from) != 1 || from[0].SecretRef.Name != secret {
		t.Errorf("the pod gets %+v", from)
	}
	if now := s.secret(secret); now.ResourceVersion != made.ResourceVersion {
		t.Errorf("it was written: %+v", now.ManagedFields)
	}
}

// A name that is taken, two linkers with one name, and what is no Connection are
// told, and left.
func TestWhatIsNotImportedIsTold(t *testing.T) {
	s := newShop(t)
	own := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: s.connection("own")}, Spec: v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "storage-blob", Parameters: map[string]v1alpha1.Parameter{"account": "mine"}},
		Auth:   v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity, WorkloadIdentity: &v1alpha1.WorkloadIdentity{ClientID: appID}},
	}}
	if err := objects.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	s.link("own", byIdentity())
	s.link("a.b", byIdentity())
	s.link("a_b", byIdentity())
	vault := byIdentity()
	vault.Target = map[string]any{"type": "AzureResource", "id": group + "Microsoft.KeyVault/vaults/v",
		"resourceProperties": map[string]any{"type": "KeyVault", "connectAsKubernetesCsiDriver": true}}
	s.link("vault", vault)
	elsewhere := byIdentity()
	elsewhere.Scope = s.name + "-absent"
	s.link("elsewhere", elsewhere)
	for linker, says := range map[string]string{
		"own": "was not imported", "a_b": "is that of linker", "vault": "KeyVaultCSI", "elsewhere": "does not exist",
	} {
		s.eventually(linker+" is told", func() bool {
			for message := range strings.Lines(s.events("sc-system", v1alpha1.EventNotImported)) {
				if strings.Contains(message, `"`+s.prefix+linker+`"`) && strings.Contains(message, says) {
					return true
				}
			}
			return false
		})
	}
	if c, _ := s.get(own.Name); c.Spec.Target.Parameters["account"] != "mine" || c.Labels[v1alpha1.LabelImported] != "" {
		t.Errorf("the namespace's own Connection was written: %+v", c)
	}
	s.imported(strings.ReplaceAll(s.connection("a.b"), ".", "-"), metav1.ConditionTrue, v1alpha1.ReasonImported)
}

// Removing our label does not take a Connection out of Azure's hands.
func TestLabelIsPutBack(t *testing.T) {
	s := newShop(t)
	name := s.link("label", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	c, _ := s.get(name)
	patch := []byte(`{"metadata":{"labels":{"` + v1alpha1.LabelImported + `":null}}}`)
	if err := objects.Patch(t.Context(), c, client.RawPatch(types.MergePatchType, patch)); err != nil {
		t.Fatal(err)
	}
	s.eventually("the label is back", func() bool {
		c, _ := s.get(name)
		return c.Labels[v1alpha1.LabelImported] != ""
	})
}

// What no Secret can hold, and what no variable can be called, is refused at the
// connection, and nothing else is held up by it.
func TestImpossibleAnswersAreRefused(t *testing.T) {
	s := newShop(t)
	huge := strings.Repeat(canary, (2<<20)/len(canary))
	setKey(huge)
	keys := s.link("huge_key", byKey())
	if message := s.imported(keys, metav1.ConditionFalse, v1alpha1.ReasonNotImportable); len(message) > 400 || strings.Contains(message, canary) {
		t.Errorf("it says %.500q", message)
	}
	setKey("small")
	s.imported(keys, metav1.ConditionTrue, v1alpha1.ReasonImported)
	for what, setting := range map[string]azure.Configuration{
		"huge_setting": {Name: "NOTES", Value: huge}, "illegal_name": {Name: "NO=NAME", Value: "1"}, "endless_name": {Name: huge, Value: "1"},
	} {
		l := byIdentity()
		l.Configurations = append(l.Configurations, setting)
		name := s.link(what, l)
		s.eventually("people are told of "+what, func() bool {
			c, _ := s.get(name)
			return strings.Contains(s.events(product.Namespace, v1alpha1.EventNotImported), s.prefix+what) ||
				meta.IsStatusConditionFalse(c.Status.Conditions, v1alpha1.ConditionReady)
		})
		if _, err := s.create(name); err == nil {
			t.Errorf("a pod with %s was admitted", what)
		} else {
			t.Logf("%s: a pod is told %.300v", what, err)
		}
	}
	s.imported(s.link("next", byIdentity()), metav1.ConditionTrue, v1alpha1.ReasonImported)
	for message := range strings.SplitSeq(s.events(product.Namespace, v1alpha1.EventNotImported), "\n") {
		if len(message) > 600 || strings.Contains(message, canary) {
			t.Errorf("an event says %.700q", message)
		}
	}
}
