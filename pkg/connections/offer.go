// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Offer is a connection that a namespace may use.
type Offer struct {
	// Binding is what the connection means; nil where Problem says why it means
	// nothing.
	Binding *Binding
	// Problem is what the definition alone shows to be wrong.
	Problem *Problem
	// Doubt is what the connection's status, which may be out of date, says
	// against it.
	Doubt *Problem
}

// MakeOffer binds a definition of that generation and status. A panic of ours
// becomes a problem of this connection: definitions are other people's, and one
// must not end the process.
func MakeOffer(d Definition, generation int64, status v1alpha1.ConnectionStatus) (offer Offer) {
	defer func() {
		if recover() != nil {
			offer = Offer{Problem: problem(v1alpha1.ReasonInternal,
				"its definition cannot be understood; kubectl apply --dry-run=server may say what is wrong with it, else please report it")}
		}
	}()
	binding, err := Bind(d)
	var found *Problem
	if errors.As(err, &found) {
		return Offer{Problem: found}
	}
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionFalse || ready.ObservedGeneration != generation {
		return Offer{Binding: binding}
	}
	return Offer{Binding: binding, Doubt: &Problem{Reason: ready.Reason, Message: ready.Message}}
}

// NotReady denies a connection because of a problem.
func NotReady(name string, p *Problem) *mutate.Denial {
	return mutate.Deny(mutate.ReasonNotReady, "connection %q is not ready: %s", name, p.Message)
}
