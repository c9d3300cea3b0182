// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/cluster"
	"serviceconnector.dev/pkg/connections/provision"
)

type noObserver struct{}

func (noObserver) Provisioned(connections.Kind, string) {}

// Two connections that share a service account can both want it kept at the same
// moment, one that goes for the other's sake: each is answered, and one writes.
func TestKeptByManyAtOnce(t *testing.T) {
	s := newNamespace(t)
	binding, err := connections.Bind(connections.Definition{Namespace: s.name, Name: "receipts", Spec: identitySpec(clientA)})
	if err != nil {
		t.Fatal(err)
	}
	keeper := provision.New(provision.Client{Core: clients.CoreV1()}, cluster.NewIndex(time.Now), noObserver{}, logr.Discard(), "", time.Now)
	account := connections.Object{Kind: connections.KindServiceAccount, Namespace: s.name, Name: binding.ServiceAccount}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	type end struct {
		kept provision.Kept
		err  error
	}
	ends := make(chan end, 16)
	for range cap(ends) {
		go func() {
			kept, err := keeper.Keep(ctx, account, binding, nil)
			ends <- end{kept, err}
		}()
	}
	made := 0
	for range cap(ends) {
		select {
		case e := <-ends:
			if e.err != nil || e.kept.UID == "" {
				t.Errorf("got %+v, %v", e.kept, e.err)
			}
			if e.kept.Outcome == provision.OutcomeMissing {
				made++
			}
		case <-ctx.Done():
			t.Fatal(errors.Join(ctx.Err(), errors.New("one is never answered")))
		}
	}
	if made != 1 {
		t.Errorf("%d say that they made it, want one", made)
	}
}
