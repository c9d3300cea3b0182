// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
)

// Explanation says why a pod or workload has its connections, or has not.
type Explanation struct {
	Target
	// Findings are the links of the chain, from the annotation to the pods.
	Findings []Finding `json:"findings"`
	// Cause is the finding that explains the rest; nil where all is well.
	Cause *Finding `json:"cause,omitempty"`
}

// Explain follows a target from its annotation to its pods. A pod that was
// refused is explained by the events of the workload that wanted it.
func Explain(ctx context.Context, r client.Reader, target Target, now time.Time) (Explanation, error) {
	s, err := loadSubject(ctx, r, target)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Target: s.target, Findings: s.chain(ctx, r, now)}
	for _, result := range []Result{Failure, Warning} {
		if cause, found := firstOf(e.Findings, result); found {
			e.Cause = &cause
			break
		}
	}
	return e, nil
}

// chain runs the checks, each of which needs those before it to be well.
func (s *subject) chain(ctx context.Context, r client.Reader, now time.Time) []Finding {
	a, finding := checkAsked(s)
	findings := []Finding{finding}
	if finding.Result == Failure {
		return findings
	}
	present, installed := checkConfiguration(ctx, r, now)
	findings = append(findings, checkNamespace(s.namespace, s.podLabels(), present))
	findings = append(findings, installed...)
	if present != nil {
		findings = append(findings, checkReach(ctx, r, present))
	}
	var bindings []*connections.Binding
	for _, name := range a.request.Connections {
		l, finding := locate(ctx, r, s.namespace, name)
		findings = append(findings, finding)
		if l != nil && l.binding != nil {
			bindings = append(bindings, l.binding)
		}
	}
	if present != nil && slices.ContainsFunc(bindings, func(b *connections.Binding) bool { return b.Identity != nil }) {
		findings = append(findings, checkSorted(ctx, r, present))
	}
	findings = append(findings, checkCopy(s, a, present), checkTemplate(s, a, bindings))
	for _, b := range bindings {
		findings = append(findings, s.checkNeeds(ctx, r, b)...)
	}
	findings = append(findings, checkRefused(ctx, r, s), checkRollout(s))
	return append(findings, checkPods(s, a, bindings, present)...)
}

// checkNeeds looks at the objects of one connection, and at the service account
// that the author chose instead.
func (s *subject) checkNeeds(ctx context.Context, r client.Reader, b *connections.Binding) []Finding {
	used := slices.ContainsFunc(s.pods, func(pod corev1.Pod) bool { return usesConnection(&pod, b.Definition.Name) })
	chosen := s.account()
	if b.Identity == nil || chosen == "" || chosen == "default" || chosen == b.ServiceAccount {
		return checkObjects(ctx, r, s.target.Namespace, b, used)
	}
	check, account := "service account "+chosen, partial("v1", "ServiceAccount")
	err := r.Get(ctx, client.ObjectKey{Namespace: s.target.Namespace, Name: chosen}, account)
	var first Finding
	switch {
	case apierrors.IsNotFound(err):
		first = failure(check, "create it, or leave serviceAccountName out: the connection brings its own", "does not exist, but the pod names it")
	case err != nil:
		first = unseen(check, err)
	default:
		first = checkIdentity(check, account, b)
	}
	rest := checkObjects(ctx, r, s.target.Namespace, b, used)
	return append([]Finding{first}, rest[1:]...) // the connection's own service account is not used
}

// account is the service account that the author chose, or the pod has.
func (s *subject) account() string {
	if s.top != nil {
		return TemplateOf(s.top.object).Spec.ServiceAccountName
	}
	return s.pods[0].Spec.ServiceAccountName
}

func (s *subject) podLabels() map[string]string {
	if s.top != nil {
		return TemplateOf(s.top.object).Labels
	}
	return s.pods[0].Labels
}
