// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Files come as the Service Binding specification lays them out, and a Secret
// that is mounted says what it is for.
func TestInjectFiles(t *testing.T) {
	s := newNamespace(t)
	s.credentials("orders", map[string]string{"password": "p"})
	files, both := secretSpec("orders"), identitySpec(clientA)
	files.Inject, both.Inject = v1alpha1.InjectFiles, v1alpha1.InjectBoth
	s.connect("orders", files)
	s.connect("receipts", both)
	pod := annotated("orders,receipts")
	pod.Spec.InitContainers = []corev1.Container{{Name: "own-root", Image: "example.com/x",
		Env: []corev1.EnvVar{{Name: "SERVICE_BINDING_ROOT", Value: "/platform"}}}}
	created := s.mustCreate(pod)
	app, own := created.Spec.Containers[0], created.Spec.InitContainers[0]
	s.wantSources(app, "sc-receipts-secret")
	if diff := cmp.Diff([]corev1.EnvVar{{Name: "SERVICE_BINDING_ROOT", Value: "/bindings"}}, app.Env); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/bindings/orders sc-orders ro, /bindings/receipts sc-receipts ro", mounts(app)); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/platform/orders sc-orders ro, /platform/receipts sc-receipts ro", mounts(own)); diff != "" || len(own.Env) != 1 {
		t.Errorf("mounts at the author's root (-want +got), env %v:\n%s", own.Env, diff)
	}
	for name, want := range map[string]string{"orders": "postgresql", "receipts": "storage-blob"} {
		secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-"+name+"-secret", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if string(secret.Data["type"]) != want || string(secret.Data["provider"]) != "azure" || string(secret.Type) != "servicebinding.io/"+want {
			t.Errorf("Secret of %s: type %q and %q, provider %q", name, secret.Type, secret.Data["type"], secret.Data["provider"])
		}
	}
	copied := &corev1.Pod{Spec: created.Spec, ObjectMeta: metav1.ObjectMeta{GenerateName: "p-", Annotations: created.Annotations, Labels: created.Labels}}
	if again := s.mustCreate(copied); mounts(again.Spec.Containers[0]) != mounts(app) {
		t.Errorf("a pod that has it all gets it twice: %s", mounts(again.Spec.Containers[0]))
	}
}

// mounts lists a container's mounts, without the token of the service account.
func mounts(container corev1.Container) string {
	list := ""
	for _, m := range container.VolumeMounts {
		if m.MountPath == "/var/run/secrets/kubernetes.io/serviceaccount" {
			continue
		}
		if list != "" {
			list += ", "
		}
		list += m.MountPath + " " + m.Name
		if m.ReadOnly {
			list += " ro"
		}
	}
	return list
}

// A connection can take its credentials from what an operator provisioned.
func TestProvisionedService(t *testing.T) {
	s := newNamespace(t)
	s.kubectl("apply", "-f", "testdata/database-crd.yaml")
	s.kubectl("wait", "--for=condition=Established", "crd/databases.example.com")
	spec := secretSpec("")
	spec.Auth = v1alpha1.Auth{Type: v1alpha1.AuthSecret,
		ProvisionedServiceRef: &v1alpha1.ProvisionedServiceReference{APIVersion: "example.com/v1", Kind: "Database", Name: "pg"}}
	s.connect("orders", spec)
	s.eventually("the right to read it has arrived", func() bool {
		_, err := s.create(annotated("orders"))
		return apierrors.IsForbidden(err) && contains(err, `Database "pg" in namespace "`+s.name+`" is no Provisioned Service: it does not exist; create it`)
	})
	s.kubectl("apply", "-f", writeFile(t, "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: pg}\n"))
	s.mustDeny(annotated("orders"), "its status.binding.name names no Secret yet; wait for its operator")
	s.wantReady("orders", v1alpha1.ReasonServiceNotProvisioned)
	s.kubectl("patch", "database", "pg", "--subresource=status", "--type=merge", "-p", `{"status":{"binding":{"name":"made-by-operator"}}}`)
	s.mustDeny(annotated("orders"), `Secret "made-by-operator" with the credentials does not exist`)
	s.credentials("made-by-operator", map[string]string{"password": "p"})
	s.mustCreate(annotated("orders"))
}

// Two connections of one kind live in one pod, named as Azure names them.
func TestNamingAndResourceID(t *testing.T) {
	s := newNamespace(t)
	archive := identitySpec(clientA)
	archive.Naming = v1alpha1.NamingByConnection
	archive.Target.Parameters = nil
	archive.Target.ResourceID = "/subscriptions/1/resourceGroups/rg/providers/microsoft.storage/storageaccounts/old/blobServices/default"
	s.connect("receipts", identitySpec(clientA))
	s.connect("arc-hive", archive)
	s.mustCreate(annotated("receipts,arc-hive"))
	secret, err := clients.CoreV1().Secrets(s.name).Get(t.Context(), "sc-arc-hive-secret", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(secret.Data["AZURE_STORAGEBLOB_ARCHIVE_RESOURCEENDPOINT"]); got != "https://old.blob.core.windows.net/" {
		t.Errorf("endpoint %q, keys %d", got, len(secret.Data))
	}
	archive.Target.ResourceID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"
	s.connect("wrong", archive)
	s.wantReady("wrong", v1alpha1.ReasonResourceIDMismatch)
}

var providerClasses = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}

func vaultSpec() v1alpha1.ConnectionSpec {
	return v1alpha1.ConnectionSpec{
		Target: v1alpha1.Target{Service: "keyvault", Parameters: map[string]v1alpha1.Parameter{"vault": "shop"}},
		Auth: v1alpha1.Auth{Type: v1alpha1.AuthKeyVaultCSI, KeyVaultCSI: &v1alpha1.KeyVaultCSI{ClientID: clientA, TenantID: tenant,
			Objects: []v1alpha1.VaultObject{{Name: "api-key", Variable: "API_KEY"}, {Name: "tls", Type: "cert", Version: "7", File: "tls.pem"}}}},
	}
}

// installDriver installs the kind that the CSI driver brings along.
func (s *shop) installDriver() {
	s.t.Helper()
	s.kubectl("apply", "-f", "testdata/secretproviderclass-crd.yaml")
	s.kubectl("wait", "--for=condition=Established", "crd/secretproviderclasses.secrets-store.csi.x-k8s.io")
}

// What is wrong with a vault's connection shows in its condition, too.
func TestVaultProblems(t *testing.T) {
	s := newNamespace(t)
	for name, test := range map[string]struct {
		change func(*v1alpha1.ConnectionSpec)
		reason string
	}{
		"client":    {func(s *v1alpha1.ConnectionSpec) { s.Client = "cobol" }, v1alpha1.ReasonUnknownClient},
		"parameter": {func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters["nonsense"] = "x" }, v1alpha1.ReasonUnknownParameter},
		"no-vault":  {func(s *v1alpha1.ConnectionSpec) { s.Target.Parameters = nil }, v1alpha1.ReasonMissingParameter},
		"file":      {func(s *v1alpha1.ConnectionSpec) { s.Auth.KeyVaultCSI.Objects[0].File = "..data" }, v1alpha1.ReasonIllegalSetting},
		"path":      {func(s *v1alpha1.ConnectionSpec) { s.Auth.KeyVaultCSI.MountPath = "/." }, v1alpha1.ReasonIllegalSetting},
		"variable":  {func(s *v1alpha1.ConnectionSpec) { s.Auth.KeyVaultCSI.Objects[0].Variable = "1" }, v1alpha1.ReasonIllegalSetting},
	} {
		spec := vaultSpec()
		test.change(&spec)
		s.connect(name, spec)
		s.wantReady(name, test.reason)
	}
	spec := vaultSpec()
	spec.Inject = v1alpha1.InjectFiles
	err := objects.Create(t.Context(), &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "mode"}, Spec: spec})
	if err == nil || !contains(err, "instead of settings, rename, inject and naming") {
		t.Errorf("got %v", err)
	}
}

// The driver leaves a Secret that exists as it is; so a vault's connection is
// never given one that the driver did not make.
func TestForeignSyncedSecret(t *testing.T) {
	s := newNamespace(t)
	s.installDriver()
	s.credentials("sc-vault-secret", map[string]string{"own": "data"})
	s.connect("vault", vaultSpec())
	s.eventually("the driver is noticed", func() bool {
		_, err := s.create(annotated("vault"))
		return err != nil && contains(err, `Secret "sc-vault-secret" in namespace "`+s.name+`" is not the CSI driver's, which would leave it as it is; delete it, or set spec.secretName`)
	})
	// A connection that was of another type left a Secret of ours behind.
	s.credentials("orders", map[string]string{"password": "p"})
	s.connect("orders", secretSpec("orders"))
	s.mustCreate(annotated("orders"))
	var c v1alpha1.Connection
	if err := objects.Get(t.Context(), key(s.name, "orders"), &c); err != nil {
		t.Fatal(err)
	}
	c.Spec = vaultSpec()
	if err := objects.Update(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	s.eventually("its old Secret is refused", func() bool {
		_, err := s.create(annotated("orders"))
		return err != nil && contains(err, `Secret "sc-orders-secret"`)
	})
}

// With the driver the class is made, and the pod gets the volume, its mounts and
// the synced Secret.
func TestKeyVaultCSI(t *testing.T) {
	s := newNamespace(t)
	s.installDriver()
	spec := vaultSpec()
	addon := *spec.DeepCopy()
	addon.Auth.KeyVaultCSI.ClientID, addon.Auth.KeyVaultCSI.AddonClientID = "", clientB
	addon.Auth.KeyVaultCSI.Objects, addon.Auth.KeyVaultCSI.MountPath = addon.Auth.KeyVaultCSI.Objects[1:], "/certs"
	s.connect("vault", spec)
	s.connect("addon", addon)
	var created *corev1.Pod
	s.eventually("the driver is noticed", func() bool {
		var err error
		created, err = s.create(annotated("vault,addon"))
		return err == nil
	})
	app := created.Spec.Containers[0]
	s.wantSources(app, "sc-vault-secret")
	if diff := cmp.Diff("/mnt/secrets-store/vault sc-vault ro, /certs sc-addon ro", mounts(app)); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if created.Spec.ServiceAccountName != "sc-account-"+clientA || created.Labels[v1alpha1.LabelWorkloadIdentity] != "true" {
		t.Errorf("service account %q, labels %v", created.Spec.ServiceAccountName, created.Labels)
	}
	for _, volume := range created.Spec.Volumes {
		if volume.Name == "sc-vault" && (volume.CSI == nil || volume.CSI.Driver != "secrets-store.csi.k8s.io" || !*volume.CSI.ReadOnly ||
			volume.CSI.VolumeAttributes["secretProviderClass"] != "sc-vault-secretprovider") {
			t.Errorf("volume %+v", volume)
		}
	}
	s.wantClass("sc-vault-secretprovider", map[string]any{
		"provider": "azure",
		"parameters": map[string]any{"keyvaultName": "shop", "tenantId": tenant, "usePodIdentity": "false", "clientID": clientA,
			"objects": "array:\n- |\n  objectName: api-key\n  objectType: secret\n- |\n  objectAlias: tls.pem\n  objectName: tls\n  objectType: cert\n  objectVersion: \"7\"\n"},
		"secretObjects": []any{map[string]any{"secretName": "sc-vault-secret", "type": "Opaque",
			"data": []any{map[string]any{"key": "API_KEY", "objectName": "api-key"}}}},
	})
	s.wantClass("sc-addon-secretprovider", map[string]any{
		"provider": "azure",
		"parameters": map[string]any{"keyvaultName": "shop", "tenantId": tenant, "usePodIdentity": "false",
			"useVMManagedIdentity": "true", "userAssignedIdentityID": clientB,
			"objects": "array:\n- |\n  objectAlias: tls.pem\n  objectName: tls\n  objectType: cert\n  objectVersion: \"7\"\n"},
	})

	// They are kept, too: an edit is put back, and what was deleted is made again.
	s.wantCount("vault", 1, 1)
	s.kubectl("patch", "secretproviderclass", "sc-vault-secretprovider", "--type=merge", "-p", `{"spec":{"parameters":{"keyvaultName":"theirs"}}}`)
	s.within(soon, "the parameter is put back", func() bool {
		return s.class("sc-vault-secretprovider").Object["spec"].(map[string]any)["parameters"].(map[string]any)["keyvaultName"] == "shop"
	})
	s.wantOneEvent(v1alpha1.EventRepaired, "sc-vault-secretprovider")
	uid := s.class("sc-vault-secretprovider").GetUID()
	s.kubectl("delete", "secretproviderclass", "sc-vault-secretprovider")
	s.within(soon, "it is back", func() bool {
		now := s.class("sc-vault-secretprovider")
		return now != nil && now.GetUID() != uid
	})
	s.wantOneEvent(v1alpha1.EventRestored, "sc-vault-secretprovider")
}

// class returns a SecretProviderClass, nil for none.
func (s *shop) class(name string) *unstructured.Unstructured {
	s.t.Helper()
	class := &unstructured.Unstructured{}
	class.SetGroupVersionKind(providerClasses.GroupVersion().WithKind("SecretProviderClass"))
	err := objects.Get(s.t.Context(), key(s.name, name), class)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return class
}

func (s *shop) wantClass(name string, spec map[string]any) {
	s.t.Helper()
	class := s.class(name)
	if class == nil {
		s.t.Fatalf("there is no SecretProviderClass %s", name)
	}
	if diff := cmp.Diff(spec, class.Object["spec"]); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	if class.GetLabels()[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
		s.t.Errorf("%s has the labels %v", name, class.GetLabels())
	}
}
