// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Mode says whether objects are really made.
type Mode bool

// The modes.
const (
	Write  Mode = false
	DryRun Mode = true
)

func (m Mode) dryRun() []string {
	if m == DryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// createOptions are those of an object that is not there: one request, which never
// touches an object of somebody else's.
func (m Mode) createOptions() metav1.CreateOptions {
	return metav1.CreateOptions{FieldManager: v1alpha1.ManagedBy, DryRun: m.dryRun()}
}

// applyOptions are those of an object of ours that is there.
func (m Mode) applyOptions() metav1.ApplyOptions {
	return metav1.ApplyOptions{FieldManager: v1alpha1.ManagedBy, Force: true, DryRun: m.dryRun()}
}

// lookAgain reports whether an object that could not be made may be there. looked
// says that it was not a moment ago.
func lookAgain(err error, looked bool) bool {
	return apierrors.IsAlreadyExists(err) || !looked && denied(err)
}

// loses reports whether keys that are there are not wanted, some of which may be ours.
func loses[V any](present, wanted map[string]V) bool {
	for key := range present {
		if _, ok := wanted[key]; !ok {
			return true
		}
	}
	return false
}

// patcher is the part of a client that claims fields.
type patcher[T any] interface {
	Patch(ctx context.Context, name string, how types.PatchType, patch []byte, options metav1.PatchOptions, subresources ...string) (T, error)
}

// apiObject is what a client of the API reads and writes.
type apiObject interface {
	metav1.Object
	runtime.Object
}

// claim has what we created with an object count as applied, so that the next apply
// can take fields away, and returns the object as it is then. Source:
// Kubernetes' documentation of server-side apply, section "Upgrading from
// client-side apply to server-side apply".
func claim[T apiObject](ctx context.Context, client patcher[T], present T, mode Mode) (T, error) {
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(present, sets.New(v1alpha1.ManagedBy), v1alpha1.ManagedBy)
	if err != nil || patch == nil {
		return present, wrap(err, "reading the managed fields of %s", present.GetName())
	}
	claimed, err := client.Patch(ctx, present.GetName(), types.JSONPatchType, patch,
		metav1.PatchOptions{FieldManager: v1alpha1.ManagedBy, DryRun: mode.dryRun()})
	if err != nil {
		return present, fmt.Errorf("claiming the fields of %s: %w", present.GetName(), err)
	}
	return claimed, nil
}
