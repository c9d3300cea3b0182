// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/mutate"
)

// aheadTime is how long a workload waits for what is provisioned ahead of its
// pods. What takes longer goes on, and the pods wait for it.
const aheadTime = 2 * time.Second

// Workloads decides on workloads: it copies their annotations to the pod
// template, provisions ahead of the pods and warns the person at the keyboard.
// It never denies: that is for the pods.
type Workloads struct {
	Pods *Pods
}

// Decide brings a workload's pod template in line with its annotations.
func (w *Workloads) Decide(ctx context.Context, request *Request) (Verdict, error) {
	if request.Kind.Kind == "Job" && request.Operation != admissionv1.Create {
		return Verdict{Reason: ReasonUnchanged}, nil // a Job's template is immutable
	}
	workload, err := mutate.DecodeWorkload(request.Kind.Kind, request.Object)
	if err != nil {
		return Verdict{}, err
	}
	if workload.Derived {
		return Verdict{Reason: ReasonUnchanged}, nil
	}
	patch, annotations := mutate.CopyAnnotations(workload, request.Operation == admissionv1.Create)
	verdict := Verdict{Reason: ReasonUnchanged, Patch: patch}
	if len(patch) > 0 {
		verdict.Reason = ReasonCopied
	}
	if !mutate.Present(annotations) {
		verdict.Warnings = uselessAnnotations(annotations)
		if removed, was := workload.Template.Pod().Metadata.Annotations[mutate.AnnotationConnections]; was {
			verdict.Warnings = append(verdict.Warnings, fmt.Sprintf(
				"connections %s go from the pod template, too; if you moved them there, apply once more",
				mutate.Quote(removed)))
		}
		return verdict, nil
	}
	w.ahead(ctx, request, workload, annotations, &verdict)
	return verdict, nil
}

// ahead does for the template what its pods will ask for, and turns what would
// deny them into warnings.
func (w *Workloads) ahead(ctx context.Context, request *Request, workload mutate.Workload, annotations map[string]string, verdict *Verdict) {
	ctx, cancel := context.WithTimeout(ctx, aheadTime)
	defer cancel()
	pod := workload.Template.Pod()
	pod.Metadata.Annotations = annotations
	ahead, err := w.Pods.inject(ctx, request.Namespace, pod, provision.Mode(request.DryRun))
	verdict.Connections = ahead.Connections
	verdict.Warnings = append(verdict.Warnings, ahead.Warnings...)
	var denial *mutate.Denial
	switch {
	case errors.As(err, &denial):
		verdict.Warnings = append(verdict.Warnings, "pods of this workload will be refused: "+denial.Message)
	case err != nil:
		verdict.Warnings = append(verdict.Warnings, "the connections could not be provisioned ahead; the pods will wait for them")
	}
}

// uselessAnnotations warns of annotations that do nothing without
// mutate.AnnotationConnections beside them.
func uselessAnnotations(annotations map[string]string) []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if len(list) == maxWarnings {
			break
		}
		if key == mutate.AnnotationContainers || strings.HasPrefix(key, mutate.AnnotationEnvPrefix) {
			list = append(list, "annotation "+mutate.Cut(key)+" does nothing without "+mutate.AnnotationConnections)
		}
	}
	return list
}
