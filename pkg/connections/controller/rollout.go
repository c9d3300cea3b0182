// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/attach"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// rollEvery is how often workloads that roll are looked at.
	rollEvery = 2 * time.Second
	// rollAtOnce is how many workloads roll at a time.
	rollAtOnce = 3
	// rollDeadline is when a workload without a deadline of its own has failed to
	// come up.
	rollDeadline = 10 * time.Minute
)

// roller rolls the workloads that run with earlier values, where the connection
// asks for it and the installation allows it. All that it knows of a roll-out
// stands in the workload: the annotation serviceconnector.dev/restarted of its
// template says when it was last rolled, so that none is rolled twice for one
// change, whoever leads.
type roller struct {
	allowed bool
	index   *cluster.Index
	client  client.Client
	live    client.Reader
	events  *events
	meter   Meter
	stale   *stale
	now     func() time.Time

	sights []*sight
	// failed has the roll-outs that fail now, by the name of the event that told.
	failed map[string]struct{}
}

// phase is where a workload is with one change.
type phase int

const (
	// phaseLeft: it is its owner's to roll.
	phaseLeft phase = iota
	phaseWaiting
	phaseRolling
	phaseFailed
	phaseDone
)

// take takes over what was seen of all pods, and goes on from there.
func (r *roller) take(ctx context.Context, sights []*sight) {
	r.sights = sights
	r.step(ctx)
}

// step looks at the workloads that are to be rolled, begins what may begin, and
// says where everything is.
func (r *roller) step(ctx context.Context) {
	plan, told := newPlan(r.index), r.failed
	r.failed = map[string]struct{}{}
	for _, seen := range r.sights {
		for owner, changed := range seen.stale {
			at, object := phaseLeft, client.Object(nil)
			if r.allowed && plan.policy(owner) == v1alpha1.RolloutAuto && seen.workload.rolls() {
				at, object = r.phase(ctx, seen.workload, changed)
			}
			if at == phaseDone {
				delete(seen.stale, owner)
				r.meter.RolledOut("done")
				continue
			}
			if at == phaseFailed {
				r.tellFailed(ctx, seen.workload, changed, told)
			}
			plan.add(owner, candidate{workload: seen.workload, object: object, phase: at})
		}
	}
	for _, chosen := range plan.choose(r.now()) {
		if err := r.roll(ctx, chosen.workload, chosen.object.GetResourceVersion()); err != nil {
			ctrl.LoggerFrom(ctx).Info("a workload could not be rolled, and is tried again", "workload", chosen.workload.String(), "namespace", chosen.workload.namespace, "reason", err.Error())
		}
	}
	result, workloads := plan.staleness(r.allowed, r.now())
	r.meter.StaleWorkloads(workloads)
	r.stale.set(result, r.index.Owners)
}

// phase says where a workload is with a change.
func (r *roller) phase(ctx context.Context, w workload, changed time.Time) (phase, client.Object) {
	object, template := emptyWorkload(w.kind)
	err := r.live.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: w.name}, object)
	switch {
	case apierrors.IsNotFound(err), err == nil && object.GetUID() != w.uid:
		return phaseDone, nil
	case err != nil:
		ctrl.LoggerFrom(ctx).Info("a workload could not be read", "workload", w.String(), "namespace", w.namespace, "reason", err.Error())
		return phaseLeft, nil
	}
	done, _ := attach.Progress(object)
	restarted, err := time.Parse(time.RFC3339, template().Annotations[v1alpha1.AnnotationRestarted])
	_, rolls := attach.Effect(object)
	switch ours := err == nil && !restarted.Before(changed); {
	case ours && done:
		return phaseDone, object
	case ours && (missedDeadline(object) || r.now().Sub(restarted) > rollDeadline && !hasDeadline(object)):
		return phaseFailed, object
	case ours:
		return phaseRolling, object
	case !rolls, attach.Rolling(object):
		return phaseLeft, object
	}
	// Its pods may be unavailable: perhaps just for having earlier values.
	return phaseWaiting, object
}

// emptyWorkload returns an object of a kind, and what reads its template.
func emptyWorkload(kind string) (client.Object, func() *corev1.PodTemplateSpec) {
	switch kind {
	case "StatefulSet":
		o := &appsv1.StatefulSet{}
		return o, func() *corev1.PodTemplateSpec { return &o.Spec.Template }
	case "DaemonSet":
		o := &appsv1.DaemonSet{}
		return o, func() *corev1.PodTemplateSpec { return &o.Spec.Template }
	}
	o := &appsv1.Deployment{}
	return o, func() *corev1.PodTemplateSpec { return &o.Spec.Template }
}

func hasDeadline(object client.Object) bool {
	d, ok := object.(*appsv1.Deployment)
	return ok && d.Spec.ProgressDeadlineSeconds != nil
}

// missedDeadline reports whether a Deployment did not come up in time. Source:
// Kubernetes' documentation of Deployments, section Failed Deployment.
func missedDeadline(object client.Object) bool {
	d, ok := object.(*appsv1.Deployment)
	if !ok {
		return false
	}
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing && condition.Reason == "ProgressDeadlineExceeded" {
			return true
		}
	}
	return false
}

// roll has a workload replace its pods. What is written is one annotation of the
// template, by server-side apply under our name, which GitOps tools can ignore.
// resourceVersion is that at which it was seen not to roll.
func (r *roller) roll(ctx context.Context, w workload, resourceVersion string) error {
	at := r.now().UTC().Format(time.RFC3339)
	patch := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]any{v1alpha1.AnnotationRestarted: at},
		}}},
	}}
	patch.SetAPIVersion(w.apiVersion)
	patch.SetKind(w.kind)
	patch.SetNamespace(w.namespace)
	patch.SetName(w.name)
	patch.SetUID(w.uid)                       // one that was deleted is not made again
	patch.SetResourceVersion(resourceVersion) // nor is one rolled that another rolls
	err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(patch), client.FieldOwner(v1alpha1.ManagedBy), client.ForceOwnership)
	if err != nil {
		r.meter.RolledOut("refused")
		return fmt.Errorf("setting its annotation: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("rolls a workload", "workload", w.String(), "namespace", w.namespace)
	r.events.tell(ctx, happening{about: w.reference(), reason: v1alpha1.EventRollout, cause: at,
		message: "its pods are replaced, so that they get the present values of its connections"})
	return nil
}

// tellFailed tells that a workload did not come up, unless that was told.
func (r *roller) tellFailed(ctx context.Context, w workload, changed time.Time, told map[string]struct{}) {
	h := happening{about: w.reference(), reason: v1alpha1.EventRolloutFailed, warning: true, cause: changed.String(),
		message: fmt.Sprintf("did not come up with the present values of its connections; no further workload is rolled until it does: kubectl rollout status %s -n %s", w, w.namespace)}
	name := nameOf(h)
	r.failed[name] = struct{}{}
	if _, ok := told[name]; ok {
		return
	}
	r.meter.RolledOut("failed")
	r.events.tell(ctx, h)
}
