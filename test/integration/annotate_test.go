// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func (s *shop) deploy(annotations map[string]string) *appsv1.Deployment {
	s.t.Helper()
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "web"},
		Spec:       appsv1.DeploymentSpec{Selector: appSelector, Template: template(annotations)},
	}
	// One pod at a time: without a node no new pod gets ready, so that a rolling
	// update would wait for ever.
	d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	if err := objects.Create(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *shop) kubectl(args ...string) {
	s.t.Helper()
	if _, err := controlPlane.Kubectl(s.t.Context(), append([]string{"-n", s.name}, args...)...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) deployment() *appsv1.Deployment {
	s.t.Helper()
	d, err := clients.AppsV1().Deployments(s.name).Get(s.t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// awaitPod waits until the only pod of the Deployment is as wanted.
func (s *shop) awaitPod(what string, wanted func(corev1.Pod) bool) {
	s.t.Helper()
	s.eventually(what, func() bool {
		list, err := clients.CoreV1().Pods(s.name).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil {
			s.t.Fatal(err)
		}
		return len(list.Items) == 1 && list.Items[0].DeletionTimestamp == nil && wanted(list.Items[0])
	})
}

// Annotating a running Deployment rolls its pods with the connection, and
// removing the annotation rolls them back to what they were.
func TestAnnotateAndRemove(t *testing.T) {
	s := newNamespace(t)
	name := connectCluster(t, map[string]string{"shop": s.name})
	s.deploy(map[string]string{"example.com/own": "kept"})
	before := s.deployment().Spec.Template
	s.awaitPod("an unannotated pod", func(p corev1.Pod) bool { return sources(p.Spec.Containers[1]) == "" })

	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"="+name)
	s.awaitPod("a pod with the connection", func(p corev1.Pod) bool {
		return sources(p.Spec.Containers[1]) == "sc-"+name+"-secret"
	})
	got := s.deployment().Spec.Template.Annotations
	mark := got[v1alpha1.AnnotationCopied]
	want := map[string]string{"example.com/own": "kept", v1alpha1.AnnotationConnections: name, v1alpha1.AnnotationCopied: mark}
	if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(mark, "connections:") {
		t.Errorf("template annotations (-want +got):\n%s", diff)
	}

	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"-")
	s.awaitPod("a pod without the connection", func(p corev1.Pod) bool { return sources(p.Spec.Containers[1]) == "" })
	if diff := cmp.Diff(before, s.deployment().Spec.Template); diff != "" {
		t.Errorf("the template is not what it was (-before +after):\n%s", diff)
	}
	sets, err := clients.AppsV1().ReplicaSets(s.name).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sets.Items) != 2 {
		t.Errorf("%d ReplicaSets, want the first one used again and one other", len(sets.Items))
	}
}

// What the author wrote into the template stays, whatever is on the workload.
func TestTemplateOfTheAuthorWins(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.connect("other", identitySpec(clientA))
	s.deploy(map[string]string{v1alpha1.AnnotationConnections: "receipts"})
	s.awaitPod("the template's connection", func(p corev1.Pod) bool { return sources(p.Spec.Containers[1]) == "sc-receipts-secret" })
	before := s.deployment().Spec.Template

	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"=other")
	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"-")
	if diff := cmp.Diff(before, s.deployment().Spec.Template); diff != "" {
		t.Errorf("the author's template changed (-before +after):\n%s", diff)
	}
}

// An author can take over what was copied: his value stays, also after the
// workload's annotation went. Nor does that keep the workload coming back to us.
func TestAuthorTakesOver(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.connect("other", identitySpec(clientA))
	s.deploy(nil)
	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"=receipts")
	s.kubectl("patch", "deployment", "web", "--type=merge", "-p",
		`{"spec":{"template":{"metadata":{"annotations":{"serviceconnector.dev/connections":"other"}}}}}`)
	s.awaitPod("the author's connection", func(p corev1.Pod) bool { return sources(p.Spec.Containers[1]) == "sc-other-secret" })
	calls := s.calls("workloads")
	s.kubectl("label", "deployment", "web", "unrelated=label")
	s.kubectl("patch", "deployment", "web", "--type=merge", "-p", `{"spec":{"revisionHistoryLimit":3}}`)
	if now := s.calls("workloads"); now != calls {
		t.Errorf("%d calls for updates that leave our annotations alone", now-calls)
	}
	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"-")
	if got := s.deployment().Spec.Template.Annotations[v1alpha1.AnnotationConnections]; got != "other" {
		t.Errorf("the author's annotation became %q", got)
	}
}

// A template that was exported keeps its connections where it is applied anew,
// and taking a copied one away says so.
func TestExportedTemplate(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.deploy(nil)
	s.kubectl("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"=receipts")
	exported := s.deployment().Spec.Template
	output := s.warnings("annotate", "deployment", "web", v1alpha1.AnnotationConnections+"-")
	if want := `Warning: connections "receipts" go from the pod template, too; if you moved them there, apply once more`; !strings.Contains(output, want) {
		t.Errorf("output %q, want %q in it", output, want)
	}
	s.kubectl("delete", "deployment", "web")
	s.eventually("its pods are gone", func() bool {
		list, err := clients.CoreV1().Pods(s.name).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 0
	})
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "web"},
		Spec: appsv1.DeploymentSpec{Selector: appSelector, Template: exported}}
	if err := objects.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s.awaitPod("its connection", func(p corev1.Pod) bool { return sources(p.Spec.Containers[1]) == "sc-receipts-secret" })
}

// A second apply of the same manifest, by either kind of apply, changes
// nothing; nor does an update that has nothing to do with us reach us.
func TestApplyAgain(t *testing.T) {
	for _, mode := range []string{"--server-side=true", "--server-side=false"} {
		t.Run(mode, func(t *testing.T) {
			s := newNamespace(t)
			s.connect("receipts", identitySpec(clientA))
			manifest := writeFile(t, strings.ReplaceAll(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {serviceconnector.dev/connections: receipts}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: example.com/app}]}
`, "\t", "  "))
			s.kubectl("apply", mode, "-f", manifest)
			s.pods("app=web", 1)
			first := s.deployment()
			s.kubectl("apply", mode, "-f", manifest)
			second := s.deployment()
			if diff := cmp.Diff(first.Spec, second.Spec); diff != "" || first.Generation != second.Generation {
				t.Errorf("generation %d became %d (-first +second):\n%s", first.Generation, second.Generation, diff)
			}
			calls := s.calls("workloads")
			s.kubectl("scale", "deployment", "web", "--replicas=2")
			s.kubectl("patch", "deployment", "web", "--type=merge", "-p", `{"spec":{"revisionHistoryLimit":3}}`)
			s.pods("app=web", 2)
			if now := s.calls("workloads"); now != calls {
				t.Errorf("%d calls for updates that leave our annotations alone", now-calls)
			}
		})
	}
}

// What would refuse the pods is told to the person at the keyboard.
func TestWorkloadWarnings(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientA))
	s.deploy(nil)
	for annotation, want := range map[string]string{
		v1alpha1.AnnotationConnections + "=reciepts": `pods of this workload will be refused: connection "reciepts" is not available in namespace "` + s.name + `"; did you mean "receipts"?`,
		v1alpha1.AnnotationConnections + "=../x":     `is no connection name`,
		v1alpha1.AnnotationContainers + "=web":       `does nothing without serviceconnector.dev/connections`,
	} {
		output := s.warnings("annotate", "deployment", "web", annotation)
		if !strings.Contains(output, "Warning: ") || !strings.Contains(output, want) {
			t.Errorf("%s: output %q, want %q in it", annotation, output, want)
		}
		key, _, _ := strings.Cut(annotation, "=")
		s.kubectl("annotate", "deployment", "web", key+"-")
	}
}

// The workload's admission provisions ahead: a template that names the service
// account of its connection can have pods at once.
func TestWorkloadProvisionsAhead(t *testing.T) {
	s := newNamespace(t)
	s.connect("receipts", identitySpec(clientB))
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "web", Annotations: map[string]string{v1alpha1.AnnotationConnections: "receipts"}},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(0)), Selector: appSelector, Template: template(nil)},
	}
	d.Spec.Template.Spec.ServiceAccountName = "sc-account-" + clientB
	if err := objects.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CoreV1().ServiceAccounts(s.name).Get(t.Context(), "sc-account-"+clientB, metav1.GetOptions{}); err != nil {
		t.Errorf("the service account was not made with the Deployment: %v", err)
	}
	s.kubectl("scale", "deployment", "web", "--replicas=1")
	s.pods("app=web", 1)
}
