// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

const checkAnnotation = "annotation"

// asked is what the annotations ask for, and where they stand.
type asked struct {
	annotations map[string]string
	request     mutate.Request
}

// checkAsked finds the annotation at one of the levels where it counts.
func checkAsked(s *subject) (asked, Finding) {
	annotations, where := s.annotations()
	if !mutate.Present(annotations) {
		return asked{}, s.notAsked()
	}
	request, err := mutate.ParseRequest(annotations)
	if err != nil {
		return asked{}, failure(checkAnnotation, "correct it with kubectl annotate --overwrite", "%v", err)
	}
	if len(request.Connections) == 0 {
		return asked{}, failure(checkAnnotation, "name a connection: kubectl connection list -n "+s.target.Namespace,
			"%s on %s names no connection", v1alpha1.AnnotationConnections, where)
	}
	return asked{annotations, request}, ok(checkAnnotation, "%s asks for %s", where, strings.Join(request.Connections, ", "))
}

// annotations returns those that count for the subject's new pods, and where
// they stand. For a workload this is what the webhook makes of them.
func (s *subject) annotations() (annotations map[string]string, where string) {
	if s.top == nil {
		return s.pods[0].Annotations, "the pod"
	}
	merged, own := s.top.requested()
	switch {
	case mutate.Present(own):
		return merged, "the pod template of " + s.top.target().String()
	case !mutate.Present(merged) && len(s.pods) > 0 && mutate.Present(s.pods[0].Annotations):
		return s.pods[0].Annotations, "the pod"
	}
	return merged, s.top.target().String()
}

// requested returns the template's annotations as copying leaves them, and as
// they are without anything copied.
func (w workload) requested() (merged, own map[string]string) {
	raw, err := json.Marshal(w.object)
	if err != nil {
		return nil, nil
	}
	decoded, err := mutate.DecodeWorkload(w.kind, raw)
	if err != nil {
		return nil, nil
	}
	_, merged = mutate.CopyAnnotations(decoded, false)
	if decoded.Derived { // never copied
		merged = TemplateOf(w.object).Annotations
	}
	decoded.Annotations = nil
	_, own = mutate.CopyAnnotations(decoded, false)
	return merged, own
}

// notAsked looks for the annotation where it does not count.
func (s *subject) notAsked() Finding {
	for _, place := range s.places() {
		if key, value, found := misspelt(place.annotations); found {
			return failure(checkAnnotation, "write "+v1alpha1.AnnotationConnections+"="+value,
				"%s has %s %q, which is not read", place.name, place.what, key)
		}
	}
	for _, place := range s.places() {
		if mutate.Present(place.annotations) {
			return failure(checkAnnotation, place.hint, "%s has %s as %s, where it does nothing", place.name, v1alpha1.AnnotationConnections, place.what)
		}
	}
	return failure(checkAnnotation, "kubectl connection use NAME "+s.outermost().String()+" -n "+s.target.Namespace,
		"neither %s nor its pods carry %s", s.outermost(), v1alpha1.AnnotationConnections)
}

func (s *subject) outermost() Target {
	if s.top != nil {
		return s.top.target()
	}
	return s.target
}

// place is somewhere people put the annotation.
type place struct {
	name, what, hint string
	annotations      map[string]string
}

// places are those of the subject, from where the annotation counts to where it
// does not.
func (s *subject) places() []place {
	var places []place
	add := func(name, hint string, annotations, labels map[string]string) {
		places = append(places, place{name, "annotation", hint, annotations},
			place{name, "label", "make it an annotation: kubectl annotate", labels})
	}
	if s.top != nil {
		name, template := s.top.target().String(), TemplateOf(s.top.object)
		add(name, "annotate the workload that owns it", s.top.object.GetAnnotations(), s.top.object.GetLabels())
		add("the pod template of "+name, "", template.Annotations, template.Labels)
		if job := jobTemplate(s.top.object); job != nil {
			add("the job template of "+name, "annotate the CronJob, or the pod template", job.Annotations, job.Labels)
		}
	}
	for _, pod := range s.pods {
		add("pod/"+pod.Name, "", pod.Annotations, pod.Labels)
		break
	}
	if s.foreign != nil {
		add(s.foreign.Kind+"/"+s.foreign.Name, "put it into the pod template: kind "+s.foreign.Kind+" is not one whose annotations are copied",
			s.foreign.Annotations, s.foreign.Labels)
	}
	add("namespace/"+s.namespace.Name, "annotate the workload: kubectl connection use", s.namespace.Annotations, s.namespace.Labels)
	return places
}

// misspelt finds a key that was meant to be ours.
func misspelt(annotations map[string]string) (key, value string, found bool) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if key == v1alpha1.AnnotationConnections || known(key) {
			continue
		}
		if levenshtein.ComputeDistance(strings.ToLower(key), v1alpha1.AnnotationConnections) <= 4 ||
			strings.HasPrefix(key, "serviceconnector.dev/") {
			return key, annotations[key], true
		}
	}
	return "", "", false
}

// known reports whether a key under our domain has a meaning.
func known(key string) bool {
	switch key {
	case v1alpha1.AnnotationContainers, v1alpha1.AnnotationInjected, v1alpha1.AnnotationCopied, v1alpha1.AnnotationRestarted:
		return true
	}
	return strings.HasPrefix(key, v1alpha1.AnnotationEnvPrefix)
}
