// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Source is where linkers and keys come from.
type Source interface {
	Linkers(ctx context.Context) ([]azure.Linker, error)
	Configurations(ctx context.Context, linker string) ([]azure.Configuration, error)
	Keys(ctx context.Context, service, resourceID string) (map[string][]byte, error)
}

// Teller tells people of an object, once for each cause.
type Teller interface {
	Tell(ctx context.Context, about corev1.ObjectReference, reason, message string, warning bool, cause string)
}

// Meter is told how an import went: how many linkers there are, and how many of
// them are no Connection.
type Meter interface {
	Imported(linkers, problems int)
	ImportFailed()
}

// Options are what an importer works with.
type Options struct {
	Source Source
	Teller Teller
	Meter  Meter
	// Live reads Secrets, which no cache holds.
	Live client.Reader
	// Tenant is that of service principals, Cloud the name of the Azure cloud.
	Tenant, Cloud string
	// Every is how often Azure is asked.
	Every time.Duration
	// Home is the product's namespace: what concerns no Connection is told there.
	Home string
	// Extra are the namespaces that a linker serves beside its own, by its name in
	// lower case.
	Extra map[string][]string
	// Serves reports whether a namespace is one that is served.
	Serves func(namespace string) bool
}

const (
	// firstRetry and lastRetry are the shortest and the longest wait after an import
	// that failed.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// refreshGap is how far apart the refreshes are that people ask for.
	refreshGap = 2 * time.Second
)

// Importer imports, for as long as this replica leads.
type Importer struct {
	Options
	client client.Client

	mu sync.Mutex
	// wanted is what was found, by the Connection's name.
	wanted map[types.NamespacedName]wanted
	// doubtful are the Connections of linkers of which it is not known what they become.
	doubtful map[types.NamespacedName]bool
	// ready says that all linkers were once looked at.
	ready bool
	// settings are what each linker's digest stood for.
	settings map[string]known
	// requests are the refreshes that are asked for, by the Connection's name.
	requests map[types.NamespacedName]string

	// asked says that there are requests; pace bounds how often they are done.
	asked chan struct{}
	pace  *rate.Limiter
}

// wanted is a Connection as it should be.
type wanted struct {
	azure.Imported
	digest string
	// credentials is what could not be read for it; nil for nothing.
	credentials *connections.Problem
	// doubt is why Azure could not be asked since; nil where it could.
	doubt *connections.Problem
	// refreshed is the request that it was read for; "" for none.
	refreshed string
}

// known are the settings of a linker at a digest of its properties.
type known struct {
	digest   string
	settings []azure.Configuration
}

// Setup adds an importer to the manager of the leader.
func Setup(mgr manager.Manager, o Options) (*Importer, error) {
	i := &Importer{Options: o, client: mgr.GetClient(),
		wanted: map[types.NamespacedName]wanted{}, settings: map[string]known{}, requests: map[types.NamespacedName]string{},
		asked: make(chan struct{}, 1), pace: rate.NewLimiter(rate.Every(refreshGap), 1)}
	imported := predicate.NewPredicateFuncs(func(object client.Object) bool {
		return object.GetLabels()[v1alpha1.LabelImported] != "" || i.isImported(client.ObjectKeyFromObject(object))
	})
	err := ctrl.NewControllerManagedBy(mgr).Named("import").
		For(&v1alpha1.Connection{}, builder.WithPredicates(imported)).
		Complete(i)
	if err != nil {
		return nil, fmt.Errorf("setting up the import: %w", err)
	}
	return i, mgr.Add(i)
}

// Start imports again and again until ctx ends.
func (i *Importer) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("import")
	ctx = ctrl.LoggerInto(ctx, log)
	for due, retry := time.Now(), firstRetry; ; {
		p := i.next(ctx, due)
		err := p.run(ctx)
		switch {
		case ctx.Err() != nil:
			i.Meter.Imported(0, 0) // the next leader's to tell
			return nil
		case err != nil:
			i.Meter.ImportFailed()
			problem := azure.Explain("asking Azure for the cluster's connections", err)
			log.Info("the import failed, and is tried again", "reason", problem.Message)
			i.doubt(ctx, p.seen, problem)
			due, retry = time.Now().Add(min(retry, i.Every)), min(2*retry, lastRetry)
		case p.all:
			due, retry = time.Now().Add(i.Every), firstRetry
		}
	}
}

// next waits until everything is due, or something is asked for.
func (i *Importer) next(ctx context.Context, due time.Time) *pass {
	p := &pass{Importer: i, seen: map[types.NamespacedName]wanted{}, keys: map[string]keys{}}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(due)):
		p.all = true
	case <-i.asked:
		_ = i.pace.Wait(ctx) // fails with ctx alone
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	p.requested = maps.Clone(i.requests)
	for key := range p.requested { // what was read of these is not good enough
		delete(i.settings, i.wanted[key].Linker)
	}
	return p
}

// Reconcile puts back a Connection that others edited or deleted.
func (i *Importer) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	i.mu.Lock()
	w, ok := i.wanted[request.NamespacedName]
	i.mu.Unlock()
	if !ok {
		return ctrl.Result{}, nil // not known yet, or known to be gone
	}
	return ctrl.Result{}, i.keep(ctx, w)
}

// heed takes up that somebody asks for a Connection to be read at once.
func (i *Importer) heed(c *v1alpha1.Connection) {
	request := c.Annotations[v1alpha1.AnnotationRefresh]
	if request == "" || request == c.Annotations[v1alpha1.AnnotationRefreshed] {
		return
	}
	i.mu.Lock()
	i.requests[client.ObjectKeyFromObject(c)] = request
	i.mu.Unlock()
	select {
	case i.asked <- struct{}{}:
	default: // it is
	}
}

// Ready reports whether all linkers were looked at since this replica leads.
func (i *Importer) Ready() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ready
}

// Imported reports whether a definition is of a Connection that is imported, whatever
// its label says. It is sure where it authenticates as Azure says: an edit that is not
// put back yet is not, nor is one of which it is not known what its linker is now.
func (i *Importer) Imported(d connections.Definition) (imported, sure bool) {
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	i.mu.Lock()
	defer i.mu.Unlock()
	w, known := i.wanted[key]
	return known || i.doubtful[key], known && equality.Semantic.DeepEqual(w.Spec.Auth, d.Spec.Auth)
}

func (i *Importer) isImported(key types.NamespacedName) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, known := i.wanted[key]
	return known
}
