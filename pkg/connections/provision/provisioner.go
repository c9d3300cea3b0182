// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// flightTime is how long one object's provisioning may take. It is longer than
// any admission waits, so that what was begun is finished.
const flightTime = 20 * time.Second

// Client is the part of the API that provisioning uses.
type Client struct {
	Core corev1client.CoreV1Interface
	// Dynamic writes SecretProviderClasses and reads Provisioned Services.
	Dynamic dynamic.Interface
	// Mapper finds the resource of a Provisioned Service's kind, and whether the
	// Secrets Store CSI driver is installed.
	Mapper meta.RESTMapper
}

// Records remembers which objects exist, at which revision.
type Records interface {
	Known(connections.Object) (revision string, ok bool)
	Note(object connections.Object, revision string)
}

// Observer is told of each object written, or not; result is "made" or
// "failed".
type Observer interface {
	Provisioned(kind connections.Kind, result string)
}

// Provisioner makes the objects of bindings. Its methods are safe for
// concurrent use.
type Provisioner struct {
	client   Client
	records  Records
	observer Observer
	log      logr.Logger
	home     string
	now      func() time.Time
	flights  flights
}

// New returns a Provisioner. home is the product's own namespace, where the
// credentials of ClusterConnections are; now tells when a Secret changes.
func New(client Client, records Records, observer Observer, log logr.Logger, home string, now func() time.Time) *Provisioner {
	return &Provisioner{client: client, records: records, observer: observer, log: log, home: home, now: now, flights: newFlights(log)}
}

// As returns a Provisioner that asks with another client, and otherwise is the
// same: no object is written by both at a time.
func (p *Provisioner) As(client Client) *Provisioner {
	as := *p
	as.client = client
	return &as
}

// EnsureServiceAccount makes the service account of a binding exist in a
// namespace and reports whether it does, which after a dry run it may not. It
// must exist before a pod that names it is admitted. What is known to exist
// costs no API call.
func (p *Provisioner) EnsureServiceAccount(ctx context.Context, namespace string, b *connections.Binding, mode Mode) (exists bool, err error) {
	object := connections.Object{Kind: connections.KindServiceAccount, Namespace: namespace, Name: b.ServiceAccount}
	exists = true
	err = p.ensure(ctx, object, b, mode, want{
		revision: recorded(object.Kind, b),
		accepts:  func(revision string) bool { return connections.ParseIdentity(revision).AcceptedAs(*b.Identity) },
		make: func(ctx context.Context) (bool, error) {
			found, err := p.applyServiceAccount(ctx, namespace, b, mode)
			if mode == DryRun { // and so in the caller's goroutine
				exists = found
			}
			return !found, err
		},
	})
	return exists, err
}

// EnsureSettings makes what holds a binding's settings exist in a namespace: the
// Secret, or the SecretProviderClass of a vault. What is known to exist, at this
// revision, costs no API call. In mode DryRun it checks the same and writes
// nothing.
func (p *Provisioner) EnsureSettings(ctx context.Context, namespace string, b *connections.Binding, mode Mode) error {
	object := b.SettingsIn(namespace)
	apply := p.applySecret
	if b.ProviderClass != nil {
		apply = p.applyProviderClass
	}
	return p.ensure(ctx, object, b, mode, want{
		revision: b.Revision,
		accepts:  func(revision string) bool { return revision == b.Revision },
		make:     func(ctx context.Context) (bool, error) { return true, apply(ctx, namespace, b, mode) },
	})
}

// Check finds out whether a binding could be provisioned: it reads the
// credentials and renders them, or looks for the CSI driver. Its error is a
// *connections.Problem where that is not so.
func (p *Provisioner) Check(ctx context.Context, b *connections.Binding) error {
	_, err := p.Render(ctx, b)
	return err
}

// want is how an object should be: the revision it is made at, those that do as
// well, and how to make it so. make reports whether it wrote.
type want struct {
	revision string
	accepts  func(revision string) bool
	make     func(context.Context) (wrote bool, err error)
}

// ensure makes one object be as wanted. Of several that want it in different
// ways each gets a flight of its own, one after the other.
func (p *Provisioner) ensure(ctx context.Context, object connections.Object, b *connections.Binding, mode Mode, w want) error {
	current := func() bool {
		known, ok := p.records.Known(object)
		return ok && w.accepts(known)
	}
	if mode == DryRun && !current() {
		_, err := w.make(ctx)
		return err
	}
	tag := b.Definition.Owner() + "@" + w.revision
	for !current() {
		flown, err := p.flights.do(ctx, object, tag, func(ctx context.Context) error {
			wrote, err := w.make(ctx)
			if err != nil || wrote {
				p.made(object, b, err)
			}
			if err == nil {
				p.records.Note(object, w.revision)
			}
			return err
		})
		if flown == tag || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// Carries reports whether a service account that an author chose carries an
// identity. A yes is believed for a few seconds.
func (p *Provisioner) Carries(ctx context.Context, namespace, serviceAccount string, wanted v1alpha1.WorkloadIdentity) (bool, error) {
	object := connections.Object{Kind: kindChosen, Namespace: namespace, Name: serviceAccount}
	if known, ok := p.records.Known(object); ok && connections.ParseIdentity(known).AcceptedAs(wanted) {
		return true, nil
	}
	account, err := p.client.Core.ServiceAccounts(namespace).Get(ctx, serviceAccount, metav1.GetOptions{})
	if found, err := exists(err); err != nil || !found {
		return false, wrap(err, "reading service account %q in namespace %q", serviceAccount, namespace)
	}
	identity := connections.IdentityOf(account).OpenTo(wanted)
	if !identity.AcceptedAs(wanted) {
		return false, nil
	}
	p.records.Note(object, identity.String())
	return true, nil
}

// kindChosen records the identities of service accounts that authors chose.
const kindChosen connections.Kind = "ServiceAccount/chosen"

// made tells the log and the metrics of one write.
func (p *Provisioner) made(object connections.Object, b *connections.Binding, err error) {
	if err != nil {
		p.observer.Provisioned(object.Kind, "failed")
		return
	}
	p.observer.Provisioned(object.Kind, "made")
	p.log.Info("provisioned", "kind", object.Kind, "namespace", object.Namespace, "name", object.Name, "owner", b.Definition.Owner())
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
