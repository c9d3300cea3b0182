// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Workload is the part of a workload that copying reads: its own annotations
// and those of its pod template, which lies at Path.
type Workload struct {
	Annotations map[string]string
	// Derived says that the template is a Deployment's, whose ReplicaSet this is.
	// Were it changed, the Deployment would make another ReplicaSet, without end.
	Derived bool
	// Path is the JSON Pointer of the pod template.
	Path string
	// Template is the pod template.
	Template Template
}

// Template is the part of a pod template that is read. Metadata is nil where
// the template has none.
type Template struct {
	Metadata *Metadata `json:"metadata"`
	Spec     PodSpec   `json:"spec"`

	// raw is what the template was decoded from: a pod as far as it goes.
	raw []byte
}

// UnmarshalJSON reads a template, and keeps what it was read from.
func (t *Template) UnmarshalJSON(raw []byte) error {
	type plain Template
	if err := Decode(raw, (*plain)(t)); err != nil {
		return err
	}
	t.raw = bytes.Clone(raw)
	return nil
}

// Pod returns the pod that the template describes.
func (t Template) Pod() Pod {
	pod := Pod{Spec: t.Spec, raw: t.raw}
	if t.Metadata != nil {
		pod.Metadata = *t.Metadata
	}
	return pod
}

// DecodeWorkload reads a workload of the given kind: a CronJob, or a kind that
// has its pod template at spec.template.
func DecodeWorkload(kind string, raw []byte) (Workload, error) {
	var object struct {
		Metadata struct {
			Metadata
			OwnerReferences []struct {
				Controller bool `json:"controller"`
			} `json:"ownerReferences"`
		} `json:"metadata"`
		Spec struct {
			Template    Template `json:"template"`
			JobTemplate struct {
				Spec struct {
					Template Template `json:"template"`
				} `json:"spec"`
			} `json:"jobTemplate"`
		} `json:"spec"`
	}
	if err := Decode(raw, &object); err != nil {
		return Workload{}, fmt.Errorf("decoding the %s: %w", kind, err)
	}
	if kind == "CronJob" {
		return Workload{
			Annotations: object.Metadata.Annotations,
			Path:        "/spec/jobTemplate/spec/template",
			Template:    object.Spec.JobTemplate.Spec.Template,
		}, nil
	}
	workload := Workload{Annotations: object.Metadata.Annotations, Path: "/spec/template", Template: object.Spec.Template}
	for _, owner := range object.Metadata.OwnerReferences {
		workload.Derived = workload.Derived || owner.Controller && kind == "ReplicaSet"
	}
	return workload, nil
}

// CopyAnnotations returns the patch that brings a workload's pod template in
// line with the workload's annotations, and the template's annotations as they
// will be. What the author wrote into the template stays and wins; what was
// copied earlier follows its origin, also when that goes away. A workload that is
// created has had nothing copied yet: a mark in its template came with a template
// that was exported, and what it names is the author's now, unless the workload
// asks for it, too.
func CopyAnnotations(workload Workload, created bool) (Patch, map[string]string) {
	present := workload.Template.Pod().Metadata.Annotations
	result := maps.Clone(present)
	if result == nil {
		result = map[string]string{}
	}
	for key := range copiedEarlier(present) {
		if _, asked := workload.Annotations[key]; asked || !created {
			delete(result, key)
		}
	}
	delete(result, AnnotationCopied)

	var copied []string
	for _, key := range slices.Sorted(maps.Keys(workload.Annotations)) {
		if _, authors := result[key]; requests(key) && !authors {
			result[key] = workload.Annotations[key]
			copied = append(copied, strings.TrimPrefix(key, domain)+":"+digest(result[key]))
		}
	}
	if len(copied) > 0 {
		result[AnnotationCopied] = strings.Join(copied, ",")
	}
	return annotationOperations(workload, present, result), result
}

// requests reports whether an annotation is one that authors write for us.
func requests(key string) bool {
	return key == AnnotationConnections || key == AnnotationContainers || strings.HasPrefix(key, AnnotationEnvPrefix)
}

// copiedEarlier returns the annotations that the template's mark lists and that
// still hold the value that was copied; another value is the author's. Only our
// own annotations count: a mark cannot make us remove anything else.
func copiedEarlier(annotations map[string]string) map[string]bool {
	keys := map[string]bool{}
	for item := range strings.SplitSeq(annotations[AnnotationCopied], ",") {
		name, sum, _ := strings.Cut(strings.TrimSpace(item), ":")
		if key := domain + name; requests(key) && sum == digest(annotations[key]) {
			keys[key] = true
		}
	}
	return keys
}

// digest tells values apart. It need not withstand anybody: who can write the
// mark can write the annotation.
func digest(value string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(value)) // never fails
	return strconv.FormatUint(uint64(sum.Sum32()), 16)
}

func annotationOperations(workload Workload, present, result map[string]string) Patch {
	switch {
	case maps.Equal(present, result):
		return nil
	case workload.Template.Metadata == nil:
		return Patch{add(workload.Path+"/metadata", map[string]any{"annotations": result})}
	case len(present) == 0:
		return Patch{add(workload.Path+"/metadata/annotations", result)}
	}
	var patch Patch
	for _, key := range slices.Sorted(maps.Keys(result)) {
		if have, ok := present[key]; !ok || have != result[key] {
			patch = append(patch, add(workload.Path+"/metadata/annotations/"+escape(key), result[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(present)) {
		if _, ok := result[key]; !ok {
			patch = append(patch, remove(workload.Path+"/metadata/annotations/"+escape(key)))
		}
	}
	return patch
}
