// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/azure"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// round looks at the identities of which something is missing; at all of them, in
// all, where something may be left over.
func (f *federation) round(ctx context.Context, all bool) error {
	var err error
	if f.issuer == "" {
		if f.issuer, err = f.Issuer(ctx); err != nil {
			return fmt.Errorf("reading the issuer of service accounts: %w", err)
		}
	}
	wanted := f.accounts()
	f.pending = slices.ContainsFunc(slices.Collect(maps.Values(wanted)), missing)
	return errors.Join(f.ask(ctx, wanted, all), f.trust(ctx, wanted), f.report(ctx, wanted))
}

// ask has Azure trust the accounts that are wanted, as far as that is due.
func (f *federation) ask(ctx context.Context, wanted map[string][]account, all bool) error {
	due := f.due(wanted)
	if !all && len(due) == 0 {
		return nil
	}
	identities, err := f.find(ctx, wanted, all)
	if err != nil {
		for id := range wanted {
			f.setProblem(id, azure.Explain("looking for identities", err))
		}
		return err
	}
	if all {
		f.swept = f.Now() // what fails of it is tried by itself
	}
	var failed []error
	for _, id := range slices.Sorted(maps.Keys(identities)) {
		if !all && !slices.Contains(due, id) {
			continue
		}
		problem, err := f.keep(ctx, identities[id], wanted[id])
		f.setProblem(id, problem)
		f.note(id, wanted[id], err)
		failed = append(failed, err)
	}
	for id := range wanted {
		if _, ok := identities[id]; !ok {
			f.setProblem(id, &connections.Problem{Reason: v1alpha1.ReasonIdentityNotFound, Message: fmt.Sprintf(
				"no identity with client id %s is in the scopes where identities are looked for; correct it, or name its resource group in azure.federation.scopes", id)})
			f.note(id, wanted[id], nil)
		}
	}
	return errors.Join(failed...)
}

// trust marks the accounts that Azure trusts, once that has been so for as long as it
// takes to be known all over Azure.
func (f *federation) trust(ctx context.Context, wanted map[string][]account) error {
	var failed []error
	still := map[string]time.Time{}
	for _, accounts := range wanted {
		for _, a := range accounts {
			since, ok := f.trusted[a.credential]
			switch {
			case !ok || a.marked:
			case f.Now().Sub(since) >= f.Propagation:
				failed = append(failed, f.mark(ctx, a.namespace, a.name, a.credential))
				fallthrough // until it is seen to be marked
			default:
				still[a.credential] = since
			}
		}
	}
	f.trusted = still
	return errors.Join(failed...)
}

// asked is when Azure was last asked about an identity, for which credentials, and how
// often it failed in a row.
type asked struct {
	at       time.Time
	names    string
	failures int
}

func (f *federation) note(id string, accounts []account, err error) {
	now := asked{at: f.Now(), names: names(accounts)}
	if err != nil {
		now.failures = f.asked[id].failures + 1
	}
	f.asked[id] = now
}

// due returns the identities of which something is missing or left over. What Azure
// was asked for a moment ago is not due: a limit, say, does not end by asking again,
// and what failed is asked for later and later.
func (f *federation) due(wanted map[string][]account) []string {
	ids := map[string]struct{}{}
	for id := range f.asked {
		ids[id] = struct{}{}
	}
	for id := range wanted {
		ids[id] = struct{}{}
	}
	var due []string
	for id := range ids {
		last, accounts := f.asked[id], wanted[id]
		since := f.Now().Sub(last.at)
		switch {
		case last.failures > 0 && since < backOff(last.failures):
		case last.failures > 0, last.names != names(accounts), missing(accounts) && since >= askAgain:
			due = append(due, id)
		}
	}
	return due
}

// backOff returns how long to wait after failures in a row.
func backOff(failures int) time.Duration {
	return min(firstRetry<<min(failures-1, 10), lastRetry)
}

// find returns the resource ids of identities by client id. They are looked for anew
// where one is not known, later and later while that fails.
func (f *federation) find(ctx context.Context, wanted map[string][]account, all bool) (map[string]string, error) {
	unknown := func(id string) bool { return f.identities[id] == "" }
	if !all && !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), unknown) {
		return f.identities, nil
	}
	if last := f.listing; last.failures > 0 && f.Now().Sub(last.at) < backOff(last.failures) {
		return nil, f.listingError
	}
	found, err := f.Azure.Identities(ctx)
	f.listing.at, f.listingError = f.Now(), err
	if err != nil {
		f.listing.failures++
		return nil, err
	}
	f.listing.failures, f.identities = 0, found
	return found, nil
}

// names lists the credentials of accounts.
func names(accounts []account) string {
	list := make([]string, 0, len(accounts))
	for _, a := range accounts {
		list = append(list, a.credential)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func missing(accounts []account) bool {
	return slices.ContainsFunc(accounts, func(a account) bool { return !a.marked })
}

// keep makes the federated credentials of one identity be those of the accounts. Its
// problem is what a person has to mend.
func (f *federation) keep(ctx context.Context, identity string, accounts []account) (*connections.Problem, error) {
	explain := func(err error) (*connections.Problem, error) {
		return azure.Explain("keeping the federated credentials of "+identity[strings.LastIndex(identity, "/")+1:], err), err
	}
	present, err := f.Azure.FederatedCredentials(ctx, identity)
	if err != nil {
		return explain(err)
	}
	present, err = f.removeLeft(ctx, identity, present, accounts)
	if err != nil {
		return explain(err)
	}
	slices.SortFunc(accounts, func(a, b account) int { return cmp.Compare(a.subject(), b.subject()) })
	var waiting []string
	for _, a := range accounts {
		trusted := slices.ContainsFunc(present, func(c azure.FederatedCredential) bool { return c.Issuer == f.issuer && c.Subject == a.subject() })
		if !trusted && !a.sure {
			continue
		}
		if !trusted {
			if len(present) >= azure.MaxFederatedCredentials {
				waiting = append(waiting, a.namespace)
				continue
			}
			made := azure.FederatedCredential{Name: a.credential, Issuer: f.issuer, Subject: a.subject()}
			if err := f.Azure.PutFederatedCredential(ctx, identity, made); err != nil {
				return explain(err)
			}
			ctrl.LoggerFrom(ctx).Info("made a federated credential", "identity", identity, "name", made.Name, "subject", made.Subject)
			present = append(present, made)
		}
		if _, known := f.trusted[a.credential]; !known {
			f.trusted[a.credential] = f.Now()
		}
	}
	if len(waiting) > 0 {
		return &connections.Problem{Reason: v1alpha1.ReasonFederationLimit, Message: fmt.Sprintf(
			"its identity has %d federated credentials, and cannot have more; use another one for %s", len(present), strings.Join(waiting, ", "))}, nil
	}
	return nil, nil
}

// removeLeft deletes the federated credentials of ours that no account wants, and
// returns the others.
func (f *federation) removeLeft(ctx context.Context, identity string, present []azure.FederatedCredential, accounts []account) ([]azure.FederatedCredential, error) {
	var kept []azure.FederatedCredential
	for _, c := range present {
		if !f.ours(c) || slices.ContainsFunc(accounts, func(a account) bool { return a.credential == c.Name && a.subject() == c.Subject }) {
			kept = append(kept, c)
			continue
		}
		// Its mark goes first: nobody relies on what is about to go.
		if parts := strings.Split(c.Subject, ":"); len(parts) == 4 {
			if err := f.unmark(ctx, parts[2], parts[3], c.Name); err != nil {
				return nil, err
			}
		}
		if err := f.Azure.DeleteFederatedCredential(ctx, identity, c.Name); err != nil {
			return nil, err
		}
		ctrl.LoggerFrom(ctx).Info("deleted a federated credential", "identity", identity, "name", c.Name, "subject", c.Subject)
	}
	return kept, nil
}
