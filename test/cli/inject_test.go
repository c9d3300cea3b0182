// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
	"serviceconnector.dev/test/product"
)

// injectNamespace makes a namespace that can take pods, with the label team: shop.
func injectNamespace(t *testing.T, name string) {
	t.Helper()
	apply(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+", labels: {team: shop}}}")
	eventually(t, "the service account default", func() (bool, string) {
		_, err := controlPlane.Kubectl(t.Context(), "-n", name, "get", "serviceaccount", "default")
		return err == nil, ""
	})
}

// injected runs the plugin, with definitions from files alone.
func injected(t *testing.T, namespace, manifests string, args ...string) string {
	t.Helper()
	out, problems, exit := runPlugin(t, manifests, append([]string{"inject", "-f", "-", "-n", namespace}, args...)...)
	if exit != 0 {
		t.Fatalf("inject ended with %d: %s", exit, problems)
	}
	return out
}

// workload is what is read of any workload.
type workload struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		Template    corev1.PodTemplateSpec `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

func (w workload) template() corev1.PodTemplateSpec {
	if w.Kind == "CronJob" {
		return w.Spec.JobTemplate.Spec.Template
	}
	return w.Spec.Template
}

var withPods = []string{"Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob"}

// workloads reads the workloads of a manifest.
func workloads(t *testing.T, manifests string) []workload {
	t.Helper()
	var found []workload
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	for {
		var w workload
		if err := documents.Decode(&w); err != nil {
			return found
		}
		if slices.Contains(withPods, w.Kind) {
			found = append(found, w)
		}
	}
}

// wantAsLive asserts that the live webhook gave the workload what ahead has, the
// offline result without templates, and its pod what offline has.
func wantAsLive(t *testing.T, namespace string, ahead, offline workload) {
	t.Helper()
	var live workload
	raw := kubectl(t, "-n", namespace, "get", offline.Kind, offline.Metadata.Name, "-o", "json")
	if err := json.Unmarshal([]byte(raw), &live); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live.template().Annotations, ahead.template().Annotations); diff != "" {
		t.Errorf("%s: annotations of the template (-live +offline):\n%s", offline.Metadata.Name, diff)
	}
	if offline.Kind == "CronJob" {
		kubectl(t, "-n", namespace, "create", "job", "--from=cronjob/"+offline.Metadata.Name, offline.Metadata.Name)
	}
	pod := podOf(t, namespace, offline.Metadata.Name)
	template := offline.template()
	if diff := cmp.Diff(essence(pod.Labels, pod.Annotations, pod.Spec), essence(template.Labels, template.Annotations, template.Spec)); diff != "" {
		t.Errorf("%s: pod (-live +offline):\n%s", offline.Metadata.Name, diff)
	}
}

func podOf(t *testing.T, namespace, workload string) corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	eventually(t, "a pod of "+workload, func() (bool, string) {
		raw, err := controlPlane.Kubectl(t.Context(), "-n", namespace, "get", "pods", "-o", "json")
		var list corev1.PodList
		if err != nil || json.Unmarshal([]byte(raw), &list) != nil {
			return false, raw
		}
		for _, pod = range list.Items {
			if strings.HasPrefix(pod.Name, workload+"-") {
				return true, ""
			}
		}
		return false, kubectl(t, "-n", namespace, "get", "events")
	})
	return pod
}

func without(all map[string]string, keys ...string) map[string]string {
	rest := map[string]string{}
	for key, value := range all {
		if !slices.Contains(keys, key) {
			rest[key] = value
		}
	}
	return rest
}

type essential struct {
	Labels, Annotations map[string]string
	ServiceAccount      string
	Volumes             []corev1.Volume
	Containers          []corev1.Container
}

// essence is what injection changes of a pod, without what the API server and the
// controllers add.
func essence(labels, annotations map[string]string, spec corev1.PodSpec) essential {
	e := essential{
		Labels: without(labels, "pod-template-hash", "controller-uid", "job-name", "batch.kubernetes.io/controller-uid",
			"batch.kubernetes.io/job-name", "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "controller-revision-hash"),
		Annotations:    without(annotations, "cronjob.kubernetes.io/instantiate"),
		ServiceAccount: spec.ServiceAccountName,
	}
	for _, name := range []string{spec.DeprecatedServiceAccount, "default"} {
		if e.ServiceAccount == "" {
			e.ServiceAccount = name
		}
	}
	for _, volume := range spec.Volumes {
		if strings.HasPrefix(volume.Name, "kube-api-access-") {
			continue
		}
		if volume.Secret != nil {
			volume.Secret.DefaultMode = nil
		}
		e.Volumes = append(e.Volumes, volume)
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		kept := corev1.Container{Name: c.Name, Env: c.Env, EnvFrom: c.EnvFrom}
		for _, mount := range c.VolumeMounts {
			if !strings.HasPrefix(mount.Name, "kube-api-access-") {
				kept.VolumeMounts = append(kept.VolumeMounts, mount)
			}
		}
		e.Containers = append(e.Containers, kept)
	}
	return e
}

// The samples of the manifests folder, as they are.
func TestInjectEqualsLiveForManifests(t *testing.T) {
	root, err := product.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(root, "manifests", "samples", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	var all strings.Builder
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("---\n" + string(raw))
	}
	text := strings.ReplaceAll(strings.ReplaceAll(all.String(), "namespace: shop", "namespace: inject-samples"), "name: shop\n", "name: inject-samples\n")
	injectNamespace(t, "inject-samples")
	apply(t, text)
	found, ahead := workloads(t, injected(t, "default", text)), workloads(t, injected(t, "default", text, "--pods=false"))
	if len(found) < 2 {
		t.Fatalf("%d workloads, want 2", len(found))
	}
	for i, w := range found {
		wantAsLive(t, "inject-samples", ahead[i], w)
	}
}

// The goldens of the offline package, as far as a cluster takes them.
func TestInjectEqualsLiveForGoldens(t *testing.T) {
	root, err := product.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(root, "pkg", "mutate", "offline", "testdata", "live", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			namespace := "inject-" + name
			injectNamespace(t, namespace)
			kubectl(t, "apply", "-f", "../integration/testdata/secretproviderclass-crd.yaml")
			kubectl(t, "wait", "--for=condition=Established", "crd/secretproviderclasses.secrets-store.csi.x-k8s.io")
			text := strings.ReplaceAll(string(raw), "namespace: shop", "namespace: "+namespace)
			apply(t, text)
			found, ahead := workloads(t, injected(t, namespace, text)), workloads(t, injected(t, namespace, text, "--pods=false"))
			if len(found) == 0 {
				t.Fatal("no workload")
			}
			for i, w := range found {
				wantAsLive(t, namespace, ahead[i], w)
			}
		})
	}
}

// webFor is a workload that asks for a connection and has something of its own.
const webFor = `
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {serviceconnector.dev/connections: NAME}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      initContainers:
      - {name: migrate, image: example.com/migrate}
      containers:
      - name: app
        image: example.com/app
        env: [{name: LOG_LEVEL, value: info}]
        envFrom: [{configMapRef: {name: own, optional: true}}]
`

// The sample of every service and every way to authenticate.
func TestInjectEqualsLiveForCatalogue(t *testing.T) {
	kubectl(t, "apply", "-f", "../integration/testdata/secretproviderclass-crd.yaml")
	kubectl(t, "wait", "--for=condition=Established", "crd/secretproviderclasses.secrets-store.csi.x-k8s.io")
	count := 0
	for _, service := range catalogue.Services() {
		for _, auth := range samples.AuthTypes(service) {
			count++
			t.Run(service.Key+"/"+auth, func(t *testing.T) {
				raw, err := samples.For(service, auth)
				if err != nil {
					t.Fatal(err)
				}
				namespace := strings.ToLower("inject-" + service.Key + "-" + auth)
				injectNamespace(t, namespace)
				text := string(raw) + strings.ReplaceAll(webFor, "NAME", service.Key)
				path := filepath.Join(t.TempDir(), "sample.yaml")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				kubectl(t, "-n", namespace, "apply", "-f", path)
				found, ahead := workloads(t, injected(t, namespace, text)), workloads(t, injected(t, namespace, text, "--pods=false"))
				if len(found) != 1 {
					t.Fatalf("%d workloads, want 1", len(found))
				}
				wantAsLive(t, namespace, ahead[0], found[0])
			})
		}
	}
	if count < 80 {
		t.Errorf("%d samples, want at least 80", count)
	}
}

// A pod that the webhook denies is an error with the same words, from definitions
// in files and from the cluster.
func TestInjectDeniesLikeLive(t *testing.T) {
	injectNamespace(t, "inject-denials")
	const definitions = `
{apiVersion: v1, kind: Secret, metadata: {name: half, namespace: inject-denials}, stringData: {user: u}}
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata: {name: half, namespace: inject-denials}
spec:
  target: {service: postgres-flexible, parameters: {server: s, database: d, user: u}}
  auth: {type: Secret, secretRef: {name: half}}
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata: {name: receipts, namespace: inject-denials}
spec:
  target: {service: storage-blob, parameters: {account: a}}
  auth: {type: WorkloadIdentity, workloadIdentity: {clientID: 11111111-2222-3333-4444-555555555555, tenantID: 11111111-2222-3333-4444-555555555555}}
---
apiVersion: serviceconnector.dev/v1alpha1
kind: Connection
metadata: {name: archive, namespace: inject-denials}
spec:
  target: {service: storage-blob, parameters: {account: b}}
  auth: {type: WorkloadIdentity, workloadIdentity: {clientID: 11111111-2222-3333-4444-555555555555, tenantID: 11111111-2222-3333-4444-555555555555}}
`
	apply(t, definitions)
	tests := map[string]struct{ annotations, spec string }{
		"unknown":         {"serviceconnector.dev/connections: receits", ""},
		"malformed":       {"serviceconnector.dev/connections: No Name", ""},
		"variables":       {`serviceconnector.dev/connections: "receipts,archive"`, ""},
		"container":       {"serviceconnector.dev/connections: receipts\n    serviceconnector.dev/containers: other", ""},
		"service account": {"serviceconnector.dev/connections: receipts", "serviceAccountName: default2"},
		"credentials":     {"serviceconnector.dev/connections: half", ""},
	}
	kubectl(t, "-n", "inject-denials", "create", "serviceaccount", "default2")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: inject-denials\n  annotations:\n    " + test.annotations +
				"\nspec:\n  containers: [{name: app, image: example.com/app}]\n  " + test.spec + "\n"
			path := filepath.Join(t.TempDir(), "pod.yaml")
			if err := os.WriteFile(path, []byte(pod), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := controlPlane.Kubectl(t.Context(), "apply", "-f", path)
			if err == nil {
				t.Fatal("the webhook admits the pod")
			}
			_, message, _ := strings.Cut(err.Error(), "denied the request: ")
			message, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
			_, problems, exit := runPlugin(t, pod+"---"+definitions, "inject", "-f", "-")
			if exit != 1 || message == "" || !strings.Contains(problems, "standard input: Pod/web: "+message) {
				t.Errorf("from files: exit status %d, %s; want %s", exit, problems, message)
			}
			_, problems, exit = kubectlConnection(t, "inject", "-f", path)
			if name == "credentials" { // the cluster's Secrets are not read
				return
			}
			if exit != 1 || !strings.Contains(problems, path+": Pod/web: "+message) {
				t.Errorf("from the cluster: exit status %d, %s; want %s", exit, problems, message)
			}
		})
	}
}

// Without files that define anything, the cluster's connections count.
func TestInjectFromCluster(t *testing.T) {
	injectNamespace(t, "inject-cluster")
	apply(t, `
apiVersion: serviceconnector.dev/v1alpha1
kind: ClusterConnection
metadata: {name: inject-shared}
spec:
  target: {service: storage-blob, parameters: {account: a}}
  auth: {type: WorkloadIdentity, workloadIdentity: {clientID: 11111111-2222-3333-4444-555555555555, tenantID: 11111111-2222-3333-4444-555555555555}}
  allowedNamespaces: {from: Selector, selector: {matchLabels: {team: shop}}}
`)
	path := filepath.Join(t.TempDir(), "web.yaml")
	text := strings.ReplaceAll(webFor, "NAME", "inject-shared")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, exit := kubectlConnection(t, "inject", "-f", path, "-n", "inject-cluster")
	if exit != 0 {
		t.Fatal(problems)
	}
	kubectl(t, "-n", "inject-cluster", "apply", "-f", path)
	ahead, problems, exit := kubectlConnection(t, "inject", "-f", path, "-n", "inject-cluster", "--pods=false")
	if exit != 0 {
		t.Fatal(problems)
	}
	wantAsLive(t, "inject-cluster", workloads(t, ahead)[0], workloads(t, out)[0])

	_, problems, exit = kubectlConnection(t, "inject", "-f", path, "-n", "inject-cluster", "--as", stranger)
	if exit != 1 || !strings.Contains(problems, "may not list") {
		t.Errorf("a stranger gets exit status %d and %s", exit, problems)
	}
}
