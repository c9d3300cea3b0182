// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/diagnose"
	"serviceconnector.dev/pkg/mutate"
)

// fieldManager is the name under which annotations are written.
const fieldManager = "kubectl-connection"

// Mode says how far Apply goes.
type Mode string

// The modes, as kubectl's --dry-run names them.
const (
	Write        Mode = "none"
	DryRunClient Mode = "client"
	DryRunServer Mode = "server"
)

// Outcome is what Apply did, or would do.
type Outcome struct {
	// Object is the workload afterwards.
	Object client.Object
	// Changed is false where all was so already.
	Changed bool
	// Connections are the names that the workload uses now.
	Connections []string
	// Where says where they stand: "annotation" or "pod template".
	Where string
}

// Apply makes a change to a workload, where its connections stand. Somebody
// else's change in the same moment is kept.
func Apply(ctx context.Context, c client.Client, target diagnose.Target, change Change, mode Mode) (Outcome, error) {
	if err := refuse(target); err != nil {
		return Outcome{}, err
	}
	var outcome Outcome
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object := diagnose.NewObject(target.Kind)
		if err := c.Get(ctx, client.ObjectKey{Namespace: target.Namespace, Name: target.Name}, object); err != nil {
			return fmt.Errorf("reading %s in namespace %q: %w", target, target.Namespace, err)
		}
		if owner := metav1.GetControllerOf(object); owner != nil && diagnose.NewObject(owner.Kind) != nil {
			return fmt.Errorf("%s belongs to %s %q; name that instead", target, owner.Kind, owner.Name)
		}
		before, ok := object.DeepCopyObject().(client.Object)
		if !ok {
			return fmt.Errorf("%s cannot be copied", target)
		}
		outcome = edit(target.Kind, object, change)
		if !outcome.Changed || mode == DryRunClient {
			return nil
		}
		options := []client.PatchOption{client.FieldOwner(fieldManager)}
		if mode == DryRunServer {
			options = append(options, client.DryRunAll)
		}
		return c.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), options...)
	})
	return outcome, err
}

// refuse says which kinds cannot be changed.
func refuse(target diagnose.Target) error {
	switch target.Kind {
	case "Pod":
		return fmt.Errorf("%s runs already, and only new pods are injected; name its workload, such as deployment/orders", target)
	case "Job":
		return fmt.Errorf("%s: a Job's pods cannot change; delete it and create it with the annotation", target)
	}
	return nil
}

// edit changes an object in memory.
func edit(kind string, object client.Object, change Change) Outcome {
	template := diagnose.TemplateOf(object)
	outcome := Outcome{Object: object, Where: "annotation"}
	var annotations map[string]string
	if mutate.Present(authors(kind, object)) {
		outcome.Where = "pod template"
		template.Annotations, outcome.Changed = change.annotate(template.Annotations)
		annotations = template.Annotations
	} else {
		annotations, outcome.Changed = change.annotate(object.GetAnnotations())
		object.SetAnnotations(annotations)
	}
	outcome.Connections = names(annotations[mutate.AnnotationConnections])
	return outcome
}

// authors returns the annotations that the author wrote into the template,
// without what was copied from the workload.
func authors(kind string, object client.Object) map[string]string {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	workload, err := mutate.DecodeWorkload(kind, raw)
	if err != nil {
		return nil
	}
	workload.Annotations = nil
	_, own := mutate.CopyAnnotations(workload, false)
	return own
}
