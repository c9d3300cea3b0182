// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// The states of an object that a connection needs in a namespace.
const (
	// StateCurrent: it is there, made from this definition.
	StateCurrent = "Current"
	// StateOutdated: it is there, made from an earlier state of the definition.
	StateOutdated = "Outdated"
	// StateMissing: it is not there. It is made for the first workload that asks.
	StateMissing = "Missing"
	// StateForeign: there is one of that name that was not made for this
	// connection.
	StateForeign = "Foreign"
)

// Object is something that a connection needs in a namespace.
type Object struct {
	Kind connections.Kind `json:"kind"`
	Name string           `json:"name"`
	// State is one of the states, or Unknown.
	State string `json:"state"`
}

// Event is something that the cluster reported.
type Event struct {
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Object  string    `json:"object"`
	Message string    `json:"message"`
}

// Details are everything about one connection in one namespace.
type Details struct {
	Connection
	// In is the namespace that the rest speaks of.
	In string `json:"in"`
	// Parameters are those of the target.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Source names where the credentials are; "" for none.
	Source string `json:"source,omitempty"`
	// Serves says which namespaces are served.
	Serves string `json:"serves"`
	// Settings are the names of what an application gets.
	Settings []string `json:"settings"`
	// Objects are what it needs in the namespace.
	Objects []Object `json:"objects"`
	// Pods counts the pods that were given the connection, OldPods those of them
	// that were given an earlier state of it.
	Pods    int `json:"pods"`
	OldPods int `json:"oldPods"`
	// Events are recent ones that speak of it, the latest last.
	Events []Event `json:"events,omitempty"`
	// Notes say what could not be read.
	Notes []string `json:"notes,omitempty"`
}

// maxEvents is how many events Show returns.
const maxEvents = 10

// Show returns everything about the connection that a name means in a namespace.
// Its error is a *mutate.Denial where that is none. home names the namespace of
// Service Connector.
func Show(ctx context.Context, r client.Reader, namespace, name, home string) (*Details, error) {
	l, err := List(ctx, r, namespace)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.Connections, func(c Connection) bool { return c.Name == name })
	if i < 0 {
		return nil, connections.Unavailable(name, namespace, l.Names())
	}
	d := &Details{Connection: l.Connections[i], In: namespace, Notes: l.Notes}
	d.describe(home)
	if err := d.addObjects(ctx, r); err != nil {
		return nil, err
	}
	if err := d.addPods(ctx, r); err != nil {
		return nil, err
	}
	return d, d.addEvents(ctx, r)
}

// describe says what the definition alone shows.
func (d *Details) describe(home string) {
	spec := d.definition.Spec
	d.Parameters = map[string]string{}
	for name, value := range spec.Target.Parameters {
		d.Parameters[name] = string(value)
	}
	namespace := cmp.Or(d.definition.Namespace, home)
	switch auth := spec.Auth; {
	case auth.SecretRef != nil:
		d.Source = fmt.Sprintf("Secret %s/%s", namespace, auth.SecretRef.Name)
	case auth.ProvisionedServiceRef != nil:
		d.Source = fmt.Sprintf("%s %s/%s", auth.ProvisionedServiceRef.Kind, namespace, auth.ProvisionedServiceRef.Name)
	}
	d.Serves = "namespace " + d.definition.Namespace
	if d.allowed != nil {
		d.Serves = Audience(*d.allowed)
	}
	d.Settings = settingNames(d.definition)
}

// Audience says in words whom a ClusterConnection serves.
func Audience(allowed v1alpha1.AllowedNamespaces) string {
	if allowed.From == v1alpha1.AllowedFromAll {
		return "every namespace"
	}
	if _, problem := connections.Audience(allowed); problem != nil {
		return "no namespace: " + problem.Message
	}
	return "namespaces with " + metav1.FormatLabelSelector(allowed.Selector)
}

func (d *Details) note(text string) { d.Notes = append(d.Notes, text) }

// addObjects looks at what the connection needs in the namespace.
func (d *Details) addObjects(ctx context.Context, r client.Reader) error {
	d.Objects = []Object{}
	b, err := connections.Bind(d.definition)
	if err != nil {
		return nil //nolint:nilerr // Ready says what is wrong with the definition
	}
	wanted := map[connections.Kind]string{connections.KindServiceAccount: b.ServiceAccount, connections.KindSecret: b.Secret}
	if b.ProviderClass != nil {
		wanted[connections.KindProviderClass] = b.ProviderClass.Name
	}
	for _, kind := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[kind] == "" {
			continue
		}
		state, err := d.state(ctx, r, b, kind, wanted[kind])
		if err != nil {
			return err
		}
		d.Objects = append(d.Objects, Object{Kind: kind, Name: wanted[kind], State: state})
	}
	return nil
}

// state says how an object is. Of a Secret only metadata is read.
func (d *Details) state(ctx context.Context, r client.Reader, b *connections.Binding, kind connections.Kind, name string) (string, error) {
	var object metav1.PartialObjectMetadata
	object.SetGroupVersionKind(provisionedKinds[kind])
	err := r.Get(ctx, client.ObjectKey{Namespace: d.In, Name: name}, &object)
	synced := kind == connections.KindSecret && b.ProviderClass != nil
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return StateMissing, nil
	case apierrors.IsForbidden(err):
		d.note(fmt.Sprintf("%s %q cannot be read with your rights", kind, name))
		return Unknown, nil
	case err != nil:
		return "", fmt.Errorf("reading %s %q: %w", kind, name, err)
	case synced: // the driver of vaults makes it, without our marks
		return StateCurrent, nil
	case kind == connections.KindServiceAccount:
		if connections.IdentityOf(&object).AcceptedAs(*b.Identity) {
			return StateCurrent, nil
		}
		return StateForeign, nil
	case !madeFor(&d.Connection, &object):
		return StateForeign, nil
	case object.Annotations[v1alpha1.AnnotationRevision] != b.Revision:
		return StateOutdated, nil
	}
	return StateCurrent, nil
}

// addPods counts the pods that have the connection, and those with an earlier
// state of it.
func (d *Details) addPods(ctx context.Context, r client.Reader) error {
	revision := ""
	if b, err := connections.Bind(d.definition); err == nil {
		revision = b.Revision
	}
	next := ""
	for {
		var pods metav1.PartialObjectMetadataList
		pods.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
		err := r.List(ctx, &pods, client.InNamespace(d.In), client.Limit(pageSize), client.Continue(next))
		if apierrors.IsForbidden(err) {
			return nil // the list of workloads has noted it
		}
		if err != nil {
			return fmt.Errorf("listing Pods: %w", err)
		}
		for i := range pods.Items {
			if given, ok := connections.Given(pods.Items[i].Annotations)[d.Name]; ok {
				d.Pods++
				if revision != "" && given != revision {
					d.OldPods++
				}
			}
		}
		if next = pods.Continue; next == "" {
			return nil
		}
	}
}

// addEvents finds recent events that speak of the connection: about its
// definition, or in words about it, as refusals of pods are.
func (d *Details) addEvents(ctx context.Context, r client.Reader) error {
	var list corev1.EventList
	err := r.List(ctx, &list, client.InNamespace(d.In), client.Limit(pageSize))
	if apierrors.IsForbidden(err) {
		d.note("Events cannot be listed with your rights")
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing Events: %w", err)
	}
	for i := range list.Items {
		if e := &list.Items[i]; d.concerns(e) {
			d.Events = append(d.Events, Event{
				Time: latest(e), Type: e.Type, Reason: e.Reason, Message: strings.Join(strings.Fields(e.Message), " "),
				Object: strings.ToLower(e.InvolvedObject.Kind) + "/" + e.InvolvedObject.Name,
			})
		}
	}
	slices.SortStableFunc(d.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	d.Events = d.Events[max(0, len(d.Events)-maxEvents):]
	return nil
}

func (d *Details) concerns(e *corev1.Event) bool {
	if e.InvolvedObject.Kind == d.Kind && e.InvolvedObject.Name == d.Name {
		return true
	}
	return strings.Contains(e.Message, "serviceconnector.dev") && strings.Contains(e.Message, `"`+d.Name+`"`)
}

func latest(e *corev1.Event) time.Time {
	times := []time.Time{e.LastTimestamp.Time, e.FirstTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time}
	if e.Series != nil {
		times = append(times, e.Series.LastObservedTime.Time)
	}
	return slices.MaxFunc(times, time.Time.Compare)
}

// Values reads the values of a connection's settings in a namespace: the Secret
// that was made there, with the rights of whoever asks.
func Values(ctx context.Context, r client.Reader, d *Details) (map[string]string, error) {
	i := slices.IndexFunc(d.Objects, func(o Object) bool { return o.Kind == connections.KindSecret })
	if i < 0 {
		return nil, errors.New("this connection has no Secret, so that there are no values to show")
	}
	var secret corev1.Secret
	err := r.Get(ctx, client.ObjectKey{Namespace: d.In, Name: d.Objects[i].Name}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("the Secret %q is not in namespace %q yet; it is made for the first workload that uses the connection (kubectl connection use %s WORKLOAD)",
			d.Objects[i].Name, d.In, d.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the values: %w", err)
	}
	if d.Objects[i].State == StateForeign {
		return nil, mutate.Deny(mutate.ReasonForeign, "the Secret %q in namespace %q was not made for connection %q; its values are not shown",
			secret.Name, secret.Namespace, d.Name)
	}
	values := map[string]string{}
	for name, value := range secret.Data {
		values[name] = string(value)
	}
	return values, nil
}
