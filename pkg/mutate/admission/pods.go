// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/provision"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Directory looks up the connections that a namespace may use.
type Directory interface {
	Offers(ctx context.Context, namespace string, names []string) ([]connections.Offer, error)
}

// Provisioner makes the objects of bindings exist.
type Provisioner interface {
	EnsureServiceAccount(ctx context.Context, namespace string, b *connections.Binding, mode provision.Mode) (exists bool, err error)
	EnsureSettings(ctx context.Context, namespace string, b *connections.Binding, mode provision.Mode) error
}

// Inspector looks at what it takes a request to see.
type Inspector interface {
	Check(ctx context.Context, b *connections.Binding) error
	Carries(ctx context.Context, namespace, serviceAccount string, wanted v1alpha1.WorkloadIdentity) (bool, error)
}

// Pods decides on pods that are created.
type Pods struct {
	Directory   Directory
	Provisioner Provisioner
	Inspector   Inspector
	// Waits reports whether a pod in a namespace has to wait until the identity of a
	// binding is trusted; nil for never.
	Waits func(namespace string, b *connections.Binding) bool
}

// Decide gives an annotated pod its connections.
func (p *Pods) Decide(ctx context.Context, request *Request) (Verdict, error) {
	pod, err := mutate.DecodePod(request.Object)
	if err != nil {
		return Verdict{}, err
	}
	switch {
	case pod.Mirror():
		return Verdict{Reason: ReasonMirrorPod}, nil
	case !mutate.Present(pod.Metadata.Annotations):
		return Verdict{Reason: ReasonNotAnnotated}, nil
	}
	return p.inject(ctx, request.Namespace, pod, provision.Mode(request.DryRun))
}

// inject takes a pod its way: request, bindings, provisioning, patch.
func (p *Pods) inject(ctx context.Context, namespace string, pod mutate.Pod, mode provision.Mode) (Verdict, error) {
	request, err := mutate.ParseRequest(pod.Metadata.Annotations)
	if err != nil {
		return Verdict{}, err
	}
	verdict := Verdict{Reason: ReasonNothingAsked, Connections: request.Connections, Warnings: warnings(request)}
	if len(request.Connections) == 0 {
		return verdict, nil
	}
	bindings, err := p.bindings(ctx, namespace, request)
	if err != nil {
		return verdict, err
	}
	injections, err := p.injections(ctx, namespace, pod, bindings)
	if err != nil {
		return verdict, err
	}
	// All that the pod and the definitions can be denied for comes before anything
	// is made.
	if verdict.Patch, err = mutate.Inject(pod, request, injections); err != nil {
		return verdict, err
	}
	absent, err := p.provision(ctx, namespace, bindings, injections, mode)
	if err != nil {
		return verdict, err
	}
	if absent != "" { // after a dry run: the API server would refuse its name
		verdict.Warnings = append(verdict.Warnings, fmt.Sprintf("dry run: service account %q would be made; its name is left out of the pod", absent))
		verdict.Patch, err = mutate.Inject(pod, request, withoutServiceAccount(injections))
	}
	verdict.Reason = ReasonInjected
	if len(verdict.Patch) == 0 {
		verdict.Reason = ReasonUnchanged
	}
	return verdict, err
}

// bindings returns what the requested connections mean, once each of them may
// be used, is ready, and agrees with the others.
func (p *Pods) bindings(ctx context.Context, namespace string, request mutate.Request) ([]*connections.Binding, error) {
	offers, err := p.Directory.Offers(ctx, namespace, request.Connections)
	if err != nil {
		return nil, err
	}
	bindings := make([]*connections.Binding, 0, len(offers))
	for i, offer := range offers {
		if err := p.ready(ctx, request.Connections[i], offer); err != nil {
			return nil, err
		}
		bindings = append(bindings, offer.Binding)
	}
	return bindings, connections.Conflict(bindings, request.Prefixes)
}

// ready denies a connection with a problem. A status that says so may be out
// of date, so it is checked before a pod is denied for it.
func (p *Pods) ready(ctx context.Context, name string, offer connections.Offer) error {
	if offer.Problem != nil {
		return connections.NotReady(name, offer.Problem)
	}
	if offer.Doubt == nil {
		return nil
	}
	err := p.Inspector.Check(ctx, offer.Binding)
	var problem *connections.Problem
	if errors.As(err, &problem) {
		return connections.NotReady(name, problem)
	}
	return err
}

// injections returns what the bindings add to the pod.
func (p *Pods) injections(ctx context.Context, namespace string, pod mutate.Pod, bindings []*connections.Binding) ([]mutate.Injection, error) {
	injections := make([]mutate.Injection, 0, len(bindings))
	for _, b := range bindings {
		keep, err := p.keepsServiceAccount(ctx, namespace, pod, b)
		if err != nil {
			return nil, err
		}
		injection := b.Injection()
		if keep {
			injection.ServiceAccount = ""
		} else {
			injection.Wait = p.Waits != nil && p.Waits(namespace, b)
		}
		injections = append(injections, injection)
	}
	return injections, nil
}

// provision makes what the injections refer to, service accounts first: without
// one the API server refuses the pod, without a Secret the kubelet waits. absent
// names a service account that does not exist afterwards, because of a dry run.
func (p *Pods) provision(ctx context.Context, namespace string, bindings []*connections.Binding,
	injections []mutate.Injection, mode provision.Mode) (absent string, err error) {
	for i, b := range bindings {
		if injections[i].ServiceAccount == "" {
			continue
		}
		exists, err := p.Provisioner.EnsureServiceAccount(ctx, namespace, b, mode)
		if err != nil {
			return "", err
		}
		if !exists {
			absent = b.ServiceAccount
		}
	}
	for _, b := range bindings {
		if err := p.Provisioner.EnsureSettings(ctx, namespace, b, mode); err != nil {
			return "", err
		}
	}
	return absent, nil
}

func withoutServiceAccount(injections []mutate.Injection) []mutate.Injection {
	without := slices.Clone(injections)
	for i := range without {
		without[i].ServiceAccount = ""
	}
	return without
}

// keepsServiceAccount reports whether the pod keeps the service account that
// its author chose, which must carry the identity that the binding needs.
func (p *Pods) keepsServiceAccount(ctx context.Context, namespace string, pod mutate.Pod, b *connections.Binding) (bool, error) {
	chosen := pod.ServiceAccount()
	if b.Identity == nil || chosen == "" || chosen == b.ServiceAccount {
		return false, nil
	}
	carries, err := p.Inspector.Carries(ctx, namespace, chosen, *b.Identity)
	if err != nil {
		return false, err
	}
	if !carries {
		return false, mutate.Deny(mutate.ReasonServiceAccount,
			"connection %q needs service account %q, but the pod names %q; annotate %q with azure.workload.identity/client-id=%s or leave serviceAccountName out",
			b.Definition.Name, b.ServiceAccount, chosen, chosen, b.Identity.ClientID)
	}
	return true, nil
}

// maxWarnings is how many warnings of one kind there can be.
const maxWarnings = 5

// warnings tells the author what in the annotations does nothing.
func warnings(request mutate.Request) []string {
	var list []string
	if len(request.Connections) == 0 {
		list = append(list, "annotation "+mutate.AnnotationConnections+" names no connection; nothing was injected")
	}
	for i, name := range request.StrayPrefixes() {
		if i == maxWarnings {
			break
		}
		list = append(list, fmt.Sprintf("annotation %s%s does nothing: connection %s is not listed in %s",
			mutate.AnnotationEnvPrefix, mutate.Cut(name), mutate.Quote(name), mutate.AnnotationConnections))
	}
	return list
}
