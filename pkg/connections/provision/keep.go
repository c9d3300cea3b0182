// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Outcome is what Keep found, and has mended.
type Outcome string

// The outcomes.
const (
	// OutcomeCurrent: the object was as it should be, and was not written.
	OutcomeCurrent Outcome = "current"
	// OutcomeMissing: it was not there.
	OutcomeMissing Outcome = "missing"
	// OutcomeOutdated: it was of an earlier state of the definition or of the
	// credentials.
	OutcomeOutdated Outcome = "outdated"
	// OutcomeEdited: its marks said that it was current, but it was not.
	OutcomeEdited Outcome = "edited"
)

// Kept is an object after Keep.
type Kept struct {
	Outcome Outcome
	// Found is the resourceVersion that it was found at; "" for what was missing.
	Found string
	// UID and ResourceVersion are those of the object as it is now.
	UID, ResourceVersion string
}

// Keep makes one object of a binding be as it should, whatever is known of it,
// and says how it was. It writes only where something differs. r is the binding's
// rendering.
func (p *Provisioner) Keep(ctx context.Context, object connections.Object, b *connections.Binding, r *Rendering) (Kept, error) {
	// It is the tag of the flight, too: who keeps the same object at the same time
	// must not take this one's end for theirs, since only one gets the result.
	result := make(chan Kept, 1)
	for {
		flown, err := p.flights.do(ctx, object, result, func(ctx context.Context) error {
			kept, err := p.keep(ctx, object, b, r)
			if err != nil || kept.Outcome != OutcomeCurrent {
				p.made(object, b, err)
			}
			if err == nil {
				p.records.Note(object, recorded(object.Kind, b))
			}
			result <- kept
			return err
		})
		switch {
		case flown == any(result) && err == nil:
			return <-result, nil
		case flown == any(result):
			return Kept{}, err
		case ctx.Err() != nil:
			return Kept{}, fmt.Errorf("keeping %s %q in namespace %q: %w", object.Kind, object.Name, object.Namespace, ctx.Err())
		}
	}
}

// recorded is the revision of an object of a binding, as Records have it.
func recorded(kind connections.Kind, b *connections.Binding) string {
	if kind == connections.KindServiceAccount {
		return connections.Identity{ClientID: string(b.Identity.ClientID), TenantID: string(b.Identity.TenantID)}.String()
	}
	return b.Revision
}

func (p *Provisioner) keep(ctx context.Context, object connections.Object, b *connections.Binding, r *Rendering) (Kept, error) {
	switch object.Kind {
	case connections.KindServiceAccount:
		return p.keepServiceAccount(ctx, object.Namespace, b)
	case connections.KindProviderClass:
		return p.keepProviderClass(ctx, object.Namespace, b)
	case connections.KindSecret:
		return p.keepSecret(ctx, object.Namespace, b, r)
	}
	return Kept{}, fmt.Errorf("%s is no kind that is made for a connection", object.Kind)
}

func (p *Provisioner) keepSecret(ctx context.Context, namespace string, b *connections.Binding, r *Rendering) (Kept, error) {
	present, err := p.presentSecret(ctx, namespace, b)
	if err != nil {
		return Kept{}, err
	}
	outcome, found := OutcomeMissing, ""
	if present != nil {
		found = present.GetResourceVersion()
		wanted := desiredSecret(namespace, b, r, present, p.now())
		outcome = judge(present, wanted.Labels, wanted.Annotations, holds(present.Data, r.data))
	}
	if madeByAzure(present, b) {
		outcome = OutcomeCurrent
	}
	if outcome == OutcomeCurrent {
		return keptAs(present, outcome, found), nil
	}
	written, err := p.writeSecret(ctx, namespace, b, r, present, Write)
	if err != nil {
		return Kept{}, err
	}
	return keptAs(written, outcome, found), nil
}

func (p *Provisioner) keepServiceAccount(ctx context.Context, namespace string, b *connections.Binding) (Kept, error) {
	present, err := p.presentServiceAccount(ctx, namespace, b)
	if err != nil {
		return Kept{}, err
	}
	outcome, found := OutcomeMissing, ""
	if present != nil {
		found = present.GetResourceVersion()
		wanted := desiredServiceAccount(namespace, b)
		outcome = judge(present, wanted.Labels, wanted.Annotations, true)
		if !ours(present) && retained(present) == "" {
			outcome = OutcomeCurrent // its author's, which does
		}
	}
	if outcome == OutcomeCurrent {
		return keptAs(present, outcome, found), nil
	}
	written, err := p.writeServiceAccount(ctx, namespace, b, present, Write)
	if err != nil {
		return Kept{}, err
	}
	return keptAs(written, outcome, found), nil
}

func (p *Provisioner) keepProviderClass(ctx context.Context, namespace string, b *connections.Binding) (Kept, error) {
	present, err := p.presentProviderClass(ctx, namespace, b)
	if err != nil {
		return Kept{}, err
	}
	outcome, found := OutcomeMissing, ""
	if present != nil {
		found = present.GetResourceVersion()
		wanted := desiredProviderClass(namespace, b)
		outcome = judge(present, wanted.GetLabels(), wanted.GetAnnotations(), within(wanted.Object["spec"], present.Object["spec"]))
	}
	if outcome == OutcomeCurrent {
		return keptAs(present, outcome, found), nil
	}
	written, err := p.writeProviderClass(ctx, namespace, b, present, Write)
	if err != nil {
		return Kept{}, err
	}
	return keptAs(written, outcome, found), nil
}

func keptAs(object metav1.Object, outcome Outcome, found string) Kept {
	return Kept{Outcome: outcome, Found: found, UID: string(object.GetUID()), ResourceVersion: object.GetResourceVersion()}
}

// judge compares an object with what it should be: its marks, and whether its
// content agrees. Labels and annotations that others added are theirs.
func judge(present metav1.Object, wantLabels, wantAnnotations map[string]string, content bool) Outcome {
	annotations := present.GetAnnotations()
	for _, mark := range []string{v1alpha1.AnnotationOwner, v1alpha1.AnnotationRevision, v1alpha1.AnnotationCredentials, v1alpha1.AnnotationDeletionPolicy} {
		if annotations[mark] != wantAnnotations[mark] {
			return OutcomeOutdated
		}
	}
	if content && subset(wantLabels, present.GetLabels()) && subset(wantAnnotations, annotations) {
		return OutcomeCurrent
	}
	return OutcomeEdited
}

func subset(wanted, present map[string]string) bool {
	for key, value := range wanted {
		if present[key] != value {
			return false
		}
	}
	return true
}

// within reports whether a value that was decoded from JSON holds all of another:
// maps may have more keys, everything else is equal.
func within(wanted, present any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, ok := present.(map[string]any)
		for key, value := range wanted {
			ok = ok && within(value, fields[key])
		}
		return ok
	case []any:
		items, ok := present.([]any)
		ok = ok && len(items) == len(wanted)
		for i := 0; ok && i < len(wanted); i++ {
			ok = within(wanted[i], items[i])
		}
		return ok
	}
	return wanted == present
}
