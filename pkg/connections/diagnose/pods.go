// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// The checks of pods.
const (
	checkCopied = "copied to the template"
	checkPaused = "rollout"
	checkPod    = "pods"
)

// checkCopy looks whether the workload's annotation has reached its template.
func checkCopy(s *subject, a asked, present *configuration) Finding {
	if s.top == nil {
		return ok(checkCopied, "the pod has no workload")
	}
	template := TemplateOf(s.top.object).Annotations
	own, have := s.top.object.GetAnnotations()[v1alpha1.AnnotationConnections], template[v1alpha1.AnnotationConnections]
	switch {
	case !mutate.Present(template) && mutate.Present(a.annotations) && s.top.kind == "Job":
		return failure(checkCopied, "delete the Job and create it again with the annotation", "the annotation came after the Job was created, and a Job's template cannot change")
	case !mutate.Present(template) && mutate.Present(s.top.object.GetAnnotations()):
		return failure(checkCopied, "annotate again, or restart it: kubectl rollout restart "+s.top.target().String(),
			"the pod template does not have the annotation%s%s", setBy(s.top.object), beforeWebhook(s.top.object, present))
	case own != "" && own != have:
		return failure(checkCopied, "change the annotation in the pod template, or remove it there",
			"the pod template has its own %s=%q, which wins over %q on %s", v1alpha1.AnnotationConnections, have, own, s.top.target())
	}
	return ok(checkCopied, "the pod template asks for %s", have)
}

// setBy says who set the annotation, and when, where managed fields tell.
func setBy(object metav1.Object) string {
	entry := writer(object)
	if entry == nil {
		return ""
	}
	return fmt.Sprintf("; %s set it at %s", entry.Manager, entry.Time.UTC().Format(time.RFC3339))
}

func beforeWebhook(object metav1.Object, present *configuration) string {
	if entry := writer(object); entry != nil && present != nil && entry.Time.Before(&present.CreationTimestamp) {
		return ", before the webhook was installed"
	}
	return ""
}

// writer is who wrote the annotation last, by the object's managed fields.
func writer(object metav1.Object) *metav1.ManagedFieldsEntry {
	var latest *metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.FieldsV1 == nil || entry.Time == nil || !strings.Contains(entry.FieldsV1.GetRawString(), `"f:`+v1alpha1.AnnotationConnections+`"`) {
			continue
		}
		if latest == nil || latest.Time.Before(entry.Time) {
			latest = &entry
		}
	}
	return latest
}

// checkRollout looks whether the workload makes new pods at all.
func checkRollout(s *subject) Finding {
	if s.top == nil {
		return ok(checkPaused, "the pod has no workload")
	}
	switch o := s.top.object.(type) {
	case *appsv1.Deployment:
		if o.Spec.Paused {
			return failure(checkPaused, "kubectl rollout resume deployment/"+o.Name, "the Deployment is paused, so that its pods stay as they are")
		}
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return warning(checkPaused, "delete the pods", "updateStrategy OnDelete: pods change when they are deleted")
		}
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return warning(checkPaused, "delete the pods", "updateStrategy OnDelete: pods change when they are deleted")
		}
	}
	return ok(checkPaused, "not held back")
}

// checkTemplate tries the injection on the subject's template or pod: what
// would deny it.
func checkTemplate(s *subject, a asked, bindings []*connections.Binding) Finding {
	const check = "agreement"
	if err := connections.Conflict(bindings, a.request.Prefixes); err != nil {
		return failure(check, "", "%v", err)
	}
	if s.top != nil {
		template := TemplateOf(s.top.object)
		pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		if _, err := injectInto(pod, a.request, bindings); err != nil {
			return failure(check, "", "%v", err)
		}
	}
	return ok(check, "the connections agree with each other and with the pod")
}

// injectInto returns what the webhook would still do to a pod.
func injectInto(pod *corev1.Pod, request mutate.Request, bindings []*connections.Binding) (mutate.Patch, error) {
	raw, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	decoded, err := mutate.DecodePod(raw)
	if err != nil {
		return nil, err
	}
	injections := make([]mutate.Injection, 0, len(bindings))
	for _, b := range bindings {
		injection := b.Injection()
		if chosen := decoded.ServiceAccount(); chosen != "" && chosen != b.ServiceAccount {
			injection.ServiceAccount = "" // checkChosen speaks of it
		}
		injections = append(injections, injection)
	}
	return mutate.Inject(decoded, request, injections)
}

// checkPods looks at what the pods really carry.
func checkPods(s *subject, a asked, bindings []*connections.Binding, present *configuration) []Finding {
	if len(s.pods) == 0 {
		return []Finding{warning(checkPod, "", "%s has no pods", s.target)}
	}
	var findings []Finding
	good := 0
	for _, pod := range s.pods {
		finding := checkOnePod(s, &pod, a, bindings, present)
		if finding.Result == OK {
			good++
			continue
		}
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Detail == finding.Detail }) && len(findings) < 5 {
			findings = append(findings, finding)
		}
	}
	if good > 0 {
		findings = append(findings, ok(checkPod, "carry what they asked for: %d of %d", good, len(s.pods)))
	}
	return findings
}

func checkOnePod(s *subject, pod *corev1.Pod, a asked, bindings []*connections.Binding, present *configuration) Finding {
	check := "pod " + pod.Name
	if _, injected := pod.Annotations[v1alpha1.AnnotationInjected]; !injected {
		return failure(check, s.rollHint(), "was not injected: %s", whyNot(s, pod, present))
	}
	if stale := staleIn(pod, bindings); stale != "" {
		return warning(check, s.rollHint(), "runs with an older revision of %s", stale)
	}
	patch, err := injectInto(pod, a.request, bindings)
	if err != nil {
		return failure(check, "", "%v", err)
	}
	if lacks := lacking(patch); lacks != "" {
		return failure(check, "find what changes pods after Service Connector does, and roll", "was injected, but now lacks %s: somebody removed it", lacks)
	}
	if slices.ContainsFunc(bindings, func(b *connections.Binding) bool { return b.Identity != nil }) && !hasToken(pod) {
		return warning(check, "see whether azure-workload-identity is installed and called after us: kubectl connection doctor", "has no token: azure-workload-identity did not answer to its label")
	}
	return ok(check, "carries %s", pod.Annotations[v1alpha1.AnnotationInjected])
}

// whyNot says why a pod, for which all is well now, was not injected.
func whyNot(s *subject, pod *corev1.Pod, present *configuration) string {
	created := pod.CreationTimestamp
	if present != nil && created.Before(&present.CreationTimestamp) {
		return "it is older than the webhook's configuration"
	}
	if !mutate.Present(pod.Annotations) {
		return "it is older than the annotation" + s.annotationTime()
	}
	if entry := writer(pod); entry != nil && created.Before(entry.Time) {
		return "it was annotated when it ran already; only new pods are injected"
	}
	if present != nil && checkFailurePolicy(present).Result != OK {
		return "the webhook did not answer, and its failurePolicy lets pods pass"
	}
	return "the webhook was not called, or its work was removed"
}

func (s *subject) annotationTime() string {
	if s.top == nil {
		return ""
	}
	return strings.Replace(setBy(s.top.object), "; ", ", which ", 1)
}

func (s *subject) rollHint() string {
	switch {
	case s.top == nil:
		return "delete the pod and create it again"
	case s.top.kind == "Job" || s.top.kind == "CronJob":
		return "run it again: pods of a Job cannot be rolled"
	case s.top.kind == "ReplicaSet":
		return "delete its pods"
	}
	return "kubectl rollout restart " + s.top.target().String() + " -n " + s.target.Namespace
}

// staleIn names the connections that a pod has in another revision, and those
// that it lacks.
func staleIn(pod *corev1.Pod, bindings []*connections.Binding) string {
	done := strings.Split(pod.Annotations[v1alpha1.AnnotationInjected], ",")
	var stale []string
	for _, b := range bindings {
		if !slices.Contains(done, b.Definition.Name+"@"+b.Revision) {
			stale = append(stale, b.Definition.Name)
		}
	}
	return strings.Join(stale, ", ")
}

// lacking says what a patch would still add, without our own annotation.
func lacking(patch mutate.Patch) string {
	var lacks []string
	for _, operation := range patch {
		what := ""
		switch path := operation.Path; {
		case strings.HasPrefix(path, "/metadata/annotations"):
			continue
		case strings.HasPrefix(path, "/metadata/labels"):
			what = "the label " + v1alpha1.LabelWorkloadIdentity
		case strings.HasPrefix(path, "/spec/serviceAccountName"):
			what = "the service account"
		case strings.HasPrefix(path, "/spec/volumes"):
			what = "the volume"
		case strings.Contains(path, "/volumeMounts"):
			what = "the mount of its files"
		case strings.Contains(path, "/envFrom"):
			what = "envFrom of the Secret"
		default:
			what = path
		}
		if !slices.Contains(lacks, what) {
			lacks = append(lacks, what)
		}
	}
	return strings.Join(lacks, ", ")
}

// hasToken reports whether azure-workload-identity gave a pod its token file.
// Source: its documentation, section Mutating Admission Webhook.
func hasToken(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "AZURE_FEDERATED_TOKEN_FILE" })
	})
}
