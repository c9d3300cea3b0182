// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// errForeign says that a Connection is somebody else's.
var errForeign = errors.New("was not imported, and is left as it is")

// keep makes a Connection be as its linker says, and tells of it in its status.
func (i *Importer) keep(ctx context.Context, w wanted) error {
	present := &v1alpha1.Connection{}
	err := i.client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: w.Name}, present)
	switch {
	case apierrors.IsNotFound(err):
		present, err = i.create(ctx, w)
	case err != nil:
	case present.Labels[v1alpha1.LabelImported] == "" && present.Annotations[v1alpha1.AnnotationLinker] != w.Linker:
		return fmt.Errorf("Connection %q in namespace %q %w; rename it, or the linker", w.Name, w.Namespace, errForeign) //nolint:staticcheck // a kind
	default:
		err = i.update(ctx, w, present)
	}
	if err != nil {
		return err
	}
	i.heed(present)
	return i.tellImported(ctx, w, present)
}

func (i *Importer) create(ctx context.Context, w wanted) (*v1alpha1.Connection, error) {
	c := &v1alpha1.Connection{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name}, Spec: w.Spec}
	mark(c, w)
	err := i.client.Create(ctx, c, client.FieldOwner(v1alpha1.ManagedBy))
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, fmt.Errorf("making Connection %q in namespace %q, which was made at the same time: %w", w.Name, w.Namespace, err)
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("its namespace %q does not exist; create it: %w", w.Namespace, err)
	case err != nil:
		return nil, fmt.Errorf("making Connection %q in namespace %q: %w", w.Name, w.Namespace, err)
	}
	ctrl.LoggerFrom(ctx).Info("imported", "linker", w.Linker, "namespace", w.Namespace, "name", w.Name)
	return c, nil
}

// update writes where something differs. What the linker did not change was edited.
func (i *Importer) update(ctx context.Context, w wanted, present *v1alpha1.Connection) error {
	changed := present.DeepCopy()
	changed.Spec = ours(w.Spec, present.Spec)
	mark(changed, w)
	spec := equality.Semantic.DeepEqual(changed.Spec, present.Spec)
	if spec && maps.Equal(changed.Labels, present.Labels) && maps.Equal(changed.Annotations, present.Annotations) {
		return nil
	}
	edited := !spec && present.Annotations[v1alpha1.AnnotationLinkerDigest] == w.digest
	patch := client.MergeFromWithOptions(present, client.MergeFromWithOptimisticLock{})
	if err := i.client.Patch(ctx, changed, patch, client.FieldOwner(v1alpha1.ManagedBy)); err != nil {
		return fmt.Errorf("updating Connection %q in namespace %q: %w", w.Name, w.Namespace, err)
	}
	if edited {
		i.Teller.Tell(ctx, reference(present), v1alpha1.EventImportRepaired,
			fmt.Sprintf("its spec was edited, and is put back: it is imported from linker %q; change that instead (az aks connection update)", nameOf(w.Linker)),
			false, present.ResourceVersion)
	}
	*present = *changed
	return nil
}

// ours returns what Azure says, with what is the namespace's to say.
func ours(wanted, present v1alpha1.ConnectionSpec) v1alpha1.ConnectionSpec {
	wanted.Inject, wanted.Naming = present.Inject, present.Naming
	wanted.DeletionPolicy = present.DeletionPolicy
	wanted.Rollout, wanted.RolloutWindow = present.Rollout, present.RolloutWindow
	return wanted
}

// mark says where a Connection comes from.
func mark(c *v1alpha1.Connection, w wanted) {
	c.Labels, c.Annotations = maps.Clone(c.Labels), maps.Clone(c.Annotations)
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Labels[v1alpha1.LabelImported] = v1alpha1.ImportedFromAzure
	c.Annotations[v1alpha1.AnnotationLinker] = w.Linker
	c.Annotations[v1alpha1.AnnotationLinkerDigest] = w.digest
	if w.refreshed != "" {
		c.Annotations[v1alpha1.AnnotationRefreshed] = w.refreshed
	}
}
