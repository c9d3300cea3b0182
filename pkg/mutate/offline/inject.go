// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/mutate"
	"serviceconnector.dev/pkg/mutate/admission"
)

// Injector does to manifests what the webhook does to objects.
type Injector struct {
	// Templates says whether templates are treated as what will be made of them:
	// pods, and the Jobs of a CronJob. Without it a workload gets what the webhook
	// gives the workload alone.
	Templates bool

	world       *World
	provisioner *provisioner
	pods        *admission.Pods
}

// NewInjector returns an Injector that knows what the World knows.
func NewInjector(w *World) *Injector {
	p := newProvisioner(w)
	return &Injector{Templates: true, world: w, provisioner: p,
		pods: &admission.Pods{Directory: w, Provisioner: p, Inspector: p}}
}

// Result is what became of a file.
type Result struct {
	// Text is the file, injected. What is not patched has kept its bytes.
	Text string
	// Objects are those that were looked at.
	Objects []Outcome
}

// Outcome is what became of one object.
type Outcome struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Namespace  string       `json:"namespace"`
	Name       string       `json:"name"`
	Patch      mutate.Patch `json:"patch"`
	Warnings   []string     `json:"-"`
}

// Needs lists the objects that all that was injected so far refers to.
func (i *Injector) Needs() []Need { return i.provisioner.needs() }

// Inject injects a file. Its error joins one line for each object that the webhook
// would deny, naming the file and the object.
func (i *Injector) Inject(ctx context.Context, file File) (Result, error) {
	var result Result
	var text strings.Builder
	var failed []error
	for _, d := range file.documents {
		objects, err := d.objects(file.Name)
		if err != nil {
			return Result{}, err
		}
		var patch mutate.Patch
		for _, o := range objects {
			if _, ok := injectable[o.kind]; !ok {
				continue
			}
			outcome, err := i.injectObject(ctx, o)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %s: %w", file.Name, o, err))
				continue
			}
			result.Objects = append(result.Objects, outcome)
			patch = append(patch, below(o.path, outcome.Patch)...)
		}
		rendered, err := d.render(patch)
		if err != nil {
			return Result{}, d.fail(file.Name, err)
		}
		text.WriteString(rendered)
	}
	result.Text = text.String()
	return result, errors.Join(failed...)
}

func (i *Injector) injectObject(ctx context.Context, o object) (Outcome, error) {
	namespace := i.world.namespaceOf(o)
	outcome := Outcome{APIVersion: o.apiVersion(), Kind: o.kind.Kind, Namespace: namespace, Name: o.metadata.Name, Patch: mutate.Patch{}}
	if i.world.skips(namespace) {
		if asked(o.metadata.Annotations) {
			outcome.Warnings = []string{fmt.Sprintf("nothing is injected in namespace %q; move the object to another", namespace)}
		}
		return outcome, nil
	}
	patch, warnings, err := i.decide(ctx, o.kind, namespace, o.raw)
	if err != nil {
		return outcome, i.hinted(err, namespace)
	}
	outcome.Patch = append(outcome.Patch, patch...)
	outcome.Warnings = warnings
	return outcome, nil
}

// hinted adds to a denial what an offline run may lack.
func (i *Injector) hinted(err error, namespace string) error {
	var denial *mutate.Denial
	if !errors.As(err, &denial) {
		return err
	}
	hint := ""
	switch denial.Reason {
	case mutate.ReasonUnknown:
		hint = i.world.hint(namespace)
	case mutate.ReasonServiceAccount:
		hint = "the annotation is read from the service account's manifest, if that is given"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// aheadPrefix begins the warning with which a workload announces the denial of its
// pods. Where the template is decided on, too, that comes as an error.
const aheadPrefix = "pods of this workload will be refused: "

// decide asks the webhook about an object and, with Templates, about what will be
// made of its template.
func (i *Injector) decide(ctx context.Context, kind metav1.GroupVersionKind, namespace string, raw json.RawMessage) (mutate.Patch, []string, error) {
	verdict, err := i.ask(ctx, kind, namespace, raw)
	if err != nil {
		return nil, nil, err
	}
	inside := injectable[kind]
	if !i.Templates || inside.path == "" || derived(kind, raw) {
		return verdict.Patch, verdict.Warnings, nil
	}
	patched, err := applyJSON(raw, verdict.Patch)
	if err != nil {
		return nil, nil, err
	}
	template, err := at(patched, inside)
	if err != nil || template == nil {
		return verdict.Patch, verdict.Warnings, err
	}
	patch, warnings, err := i.decide(ctx, inside.kind, namespace, template)
	if err != nil {
		return nil, nil, err
	}
	for _, warning := range verdict.Warnings {
		if !slices.Contains(warnings, warning) && !strings.HasPrefix(warning, aheadPrefix) {
			warnings = append(warnings, warning)
		}
	}
	return slices.Concat(verdict.Patch, below(inside.path, patch)), warnings, nil
}

// ask calls the decider that the API server would call, if it would call one.
func (i *Injector) ask(ctx context.Context, kind metav1.GroupVersionKind, namespace string, raw json.RawMessage) (admission.Verdict, error) {
	request := &admission.Request{Kind: kind, Namespace: namespace, Operation: admissionv1.Create, Object: raw}
	if kind == podKind {
		var err error
		if request.Object, err = withServiceAccount(raw); err != nil {
			return admission.Verdict{}, err
		}
		return i.pods.Decide(ctx, request)
	}
	workload, err := mutate.DecodeWorkload(kind.Kind, raw)
	if err != nil {
		return admission.Verdict{}, err
	}
	template := workload.Template.Pod().Metadata.Annotations
	_, copied := template[mutate.AnnotationCopied]
	if !asked(workload.Annotations) && !mutate.Present(template) && !copied {
		return admission.Verdict{}, nil
	}
	return (&admission.Workloads{Pods: i.pods}).Decide(ctx, request)
}

// asked is what the webhook configuration tests on a workload's own annotations.
func asked(annotations map[string]string) bool {
	_, containers := annotations[mutate.AnnotationContainers]
	return containers || mutate.Present(annotations)
}

// derived reports whether the template comes from a Deployment, which is injected
// itself.
func derived(kind metav1.GroupVersionKind, raw json.RawMessage) bool {
	workload, err := mutate.DecodeWorkload(kind.Kind, raw)
	return err == nil && workload.Derived
}

// at returns the template inside an object, nil for none.
func at(raw json.RawMessage, inside child) (json.RawMessage, error) {
	for token := range strings.SplitSeq(inside.path[1:], "/") {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, fmt.Errorf("reading %s: %w", inside.path, err)
		}
		if raw = fields[token]; raw == nil || bytes.Equal(raw, []byte("null")) {
			return nil, nil
		}
	}
	return raw, nil
}

// withServiceAccount fills a pod's serviceAccountName from its old name, as the
// API server does before it calls a webhook. Source:
// k8s.io/kubernetes pkg/apis/core/v1 Convert_v1_PodSpec_To_core_PodSpec.
func withServiceAccount(raw json.RawMessage) (json.RawMessage, error) {
	var pod struct {
		Spec struct {
			Name string `json:"serviceAccountName"`
			Old  string `json:"serviceAccount"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &pod); err != nil {
		return nil, fmt.Errorf("reading the pod: %w", err)
	}
	if pod.Spec.Name != "" || pod.Spec.Old == "" {
		return raw, nil
	}
	return applyJSON(raw, mutate.Patch{{Op: "add", Path: "/spec/serviceAccountName", Value: pod.Spec.Old}})
}

// below moves a patch below a path.
func below(path string, patch mutate.Patch) mutate.Patch {
	moved := slices.Clone(patch)
	for i := range moved {
		moved[i].Path = path + moved[i].Path
	}
	return moved
}
