// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/metadata"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/controller"
)

// Azure is what federated credentials are made with.
type Azure interface {
	Identities(ctx context.Context) (map[string]string, error)
	FederatedCredentials(ctx context.Context, identity string) ([]azure.FederatedCredential, error)
	PutFederatedCredential(ctx context.Context, identity string, f azure.FederatedCredential) error
	DeleteFederatedCredential(ctx context.Context, identity, name string) error
}

// Options are what federation works with.
type Options struct {
	Azure  Azure
	Index  *cluster.Index
	Teller *controller.Teller
	// Imported reports whether a Connection was really imported: its label is the
	// namespace's to set. For one of which that is not sure now nothing is made, and
	// nothing deleted. Ready reports whether that can be told yet.
	Imported func(connections.Definition) (imported, sure bool)
	Ready    func() bool
	// Issuer returns the issuer of service accounts' tokens.
	Issuer func(ctx context.Context) (string, error)
	// Live reads service accounts that others made.
	Live client.Reader
	// Pods finds the pods that wait.
	Pods metadata.Interface
	// Propagation is how long a new credential takes to be known all over Azure. Who
	// asks for a token before may be refused.
	Propagation time.Duration
	// Namespaces are those that are served; one "" for all.
	Namespaces []string
	Now        func() time.Time
}

const (
	// settle is how long changes are gathered before they are looked at.
	settle = 100 * time.Millisecond
	// sweepEvery is how often all identities are looked at for no other reason than
	// that something may have been missed.
	sweepEvery = 10 * time.Minute
	// askAgain is how long what Azure could not do is not asked for again.
	askAgain = time.Minute
	// firstRetry and lastRetry are the shortest and the longest wait after a failure.
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
)

// federation keeps federated credentials, for as long as this replica leads.
type federation struct {
	Options
	client client.Client
	issuer string

	// changed says that something is to be looked at.
	changed chan struct{}

	// identities are the resource ids of identities, asked when Azure was last asked
	// about each: by client id.
	identities map[string]string
	asked      map[string]asked
	// swept is when all identities were last looked at.
	swept time.Time
	// pending says that Azure does not trust all yet.
	pending bool
	// trusted is since when it is known that Azure trusts an account that is not
	// marked yet, by the name of its credential.
	trusted map[string]time.Time
	// listing is when identities were last looked for, and listingError how that went.
	listing      asked
	listingError error

	mu sync.Mutex
	// problems are what keeps a binding's service accounts from being trusted, by the
	// client id of its identity.
	problems map[string]*connections.Problem
}

// Setup adds federation to the manager of the leader.
func Setup(mgr manager.Manager, o Options) error {
	f := &federation{Options: o, client: mgr.GetClient(), changed: make(chan struct{}, 1), problems: map[string]*connections.Problem{}, asked: map[string]asked{}, trusted: map[string]time.Time{}}
	for _, runnable := range []manager.Runnable{f, manager.RunnableFunc(f.runGates)} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("adding federation: %w", err)
		}
	}
	return nil
}

// Start keeps federated credentials until ctx ends.
func (f *federation) Start(ctx context.Context) error {
	ctx = ctrl.LoggerInto(ctx, ctrl.LoggerFrom(ctx).WithName("federation"))
	stop := f.Index.Follow(func(cluster.Change) { f.look() })
	defer stop()
	for !f.Ready() {
		if !f.pause(ctx, settle) {
			return nil
		}
	}
	for wait, retry := time.Duration(0), firstRetry; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-f.changed:
			if !f.pause(ctx, settle) { // more may come with it
				return nil
			}
		case <-time.After(wait):
		}
		err := f.round(ctx, f.Now().Sub(f.swept) >= sweepEvery)
		switch {
		case err != nil && ctx.Err() == nil:
			ctrl.LoggerFrom(ctx).Info("federated credentials are not as they should be, and are tried again", "reason", azure.Explain("keeping federated credentials", err).Message)
			wait, retry = retry, min(2*retry, lastRetry)
		case f.pending:
			wait, retry = askAgain, firstRetry
		default:
			wait, retry = sweepEvery, firstRetry
		}
		wait = f.untilKnown(wait)
	}
}

// untilKnown returns a wait, or how long it is until an account can be marked, if that
// is shorter: what fails for others holds up nobody.
func (f *federation) untilKnown(wait time.Duration) time.Duration {
	for _, since := range f.trusted {
		if left := f.Propagation - f.Now().Sub(since); left > 0 { // else it was tried
			wait = min(wait, max(left, settle))
		}
	}
	return wait
}

// look has everything looked at soon.
func (f *federation) look() {
	select {
	case f.changed <- struct{}{}:
	default: // it will be
	}
}

// pause waits, and reports whether ctx goes on.
func (f *federation) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
