// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/mutate"
)

// Workload is something that asks for a connection.
type Workload struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String returns kind/name, as kubectl takes it.
func (w Workload) String() string { return strings.ToLower(w.Kind) + "/" + w.Name }

// consumer is a workload and the connections that it asks for.
type consumer struct {
	Workload
	names []string
}

// pageSize bounds how much one answer of the API server holds.
const pageSize = 500

// addWorkloads finds the workloads that ask for each connection.
func (l *Listing) addWorkloads(ctx context.Context, r client.Reader, namespace string) error {
	found, notes, err := consumers(ctx, r, namespace)
	if err != nil {
		return err
	}
	l.Notes = append(l.Notes, notes...)
	serves := map[string]func(*Connection) bool{}
	for _, user := range found {
		for _, name := range user.names {
			if c := l.resolve(ctx, r, user.Namespace, name, serves); c != nil {
				c.Workloads = append(c.Workloads, user.Workload)
			}
		}
	}
	for i := range l.Connections {
		slices.SortFunc(l.Connections[i].Workloads, func(a, b Workload) int {
			return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		})
	}
	return nil
}

// resolve returns which connection a name means in a namespace: its own
// Connection, else the ClusterConnection that serves it.
func (l *Listing) resolve(ctx context.Context, r client.Reader, namespace, name string, serves map[string]func(*Connection) bool) *Connection {
	var shared *Connection
	for i := range l.Connections {
		switch c := &l.Connections[i]; {
		case c.Name != name:
		case c.Namespace == namespace:
			return c
		case c.Namespace == "":
			shared = c
		}
	}
	if shared == nil {
		return nil
	}
	if serves[namespace] == nil {
		scratch := &Listing{} // what cannot be read here was noted before
		allows, err := scratch.audience(ctx, r, namespace)
		serves[namespace] = func(c *Connection) bool { return err == nil && allows(*c.allowed) }
	}
	if !serves[namespace](shared) {
		return nil
	}
	return shared
}

// template is a workload reduced to what says whether it asks for connections.
type template struct {
	kind   string
	object metav1.Object
	pod    *metav1.ObjectMeta
}

// consumers returns the workloads of a namespace, "" for all, that ask for any
// connection. What another object controls is left out: that one asks.
func consumers(ctx context.Context, r client.Reader, namespace string) (found []consumer, notes []string, err error) {
	var forbidden []string
	for _, kind := range workloadKinds() {
		err := eachWorkload(ctx, r, kind, namespace, func(t template) {
			if names := asked(t); len(names) > 0 {
				found = append(found, consumer{Workload{t.kind, t.object.GetNamespace(), t.object.GetName()}, names})
			}
		})
		if apierrors.IsForbidden(err) {
			forbidden = append(forbidden, kind.name+"s")
			continue
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if len(forbidden) > 0 {
		notes = []string{strings.Join(forbidden, ", ") + " cannot be listed with your rights; the workloads may be incomplete"}
	}
	return found, notes, nil
}

// asked returns the connections that a workload asks for: what stands in its
// template counts, and on the workload where the template has none.
func asked(t template) []string {
	if metav1.GetControllerOfNoCopy(t.object) != nil {
		return nil
	}
	annotations := t.object.GetAnnotations()
	if t.pod != nil && mutate.Present(t.pod.Annotations) {
		annotations = t.pod.Annotations
	}
	request, err := mutate.ParseRequest(annotations)
	if err != nil {
		return nil // nothing is injected; explain says why
	}
	return request.Connections
}

// workloadKind is a kind of workloads and how its lists are read.
type workloadKind struct {
	name      string
	list      func() client.ObjectList
	templates func(client.ObjectList) []template
}

func workloadKinds() []workloadKind {
	return []workloadKind{
		listed("Deployment", func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items },
			func(w *appsv1.Deployment) template { return template{object: w, pod: &w.Spec.Template.ObjectMeta} }),
		listed("StatefulSet", func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items },
			func(w *appsv1.StatefulSet) template { return template{object: w, pod: &w.Spec.Template.ObjectMeta} }),
		listed("DaemonSet", func(l *appsv1.DaemonSetList) []appsv1.DaemonSet { return l.Items },
			func(w *appsv1.DaemonSet) template { return template{object: w, pod: &w.Spec.Template.ObjectMeta} }),
		listed("ReplicaSet", func(l *appsv1.ReplicaSetList) []appsv1.ReplicaSet { return l.Items },
			func(w *appsv1.ReplicaSet) template { return template{object: w, pod: &w.Spec.Template.ObjectMeta} }),
		listed("CronJob", func(l *batchv1.CronJobList) []batchv1.CronJob { return l.Items },
			func(w *batchv1.CronJob) template {
				return template{object: w, pod: &w.Spec.JobTemplate.Spec.Template.ObjectMeta}
			}),
		listed("Job", func(l *batchv1.JobList) []batchv1.Job { return l.Items },
			func(w *batchv1.Job) template { return template{object: w, pod: &w.Spec.Template.ObjectMeta} }),
		listed("Pod", func(l *corev1.PodList) []corev1.Pod { return l.Items },
			func(w *corev1.Pod) template { return template{object: w} }),
	}
}

// listed makes a workloadKind of a list type.
func listed[L any, W any, P interface {
	*L
	client.ObjectList
}](name string, items func(P) []W, one func(*W) template) workloadKind {
	return workloadKind{
		name: name,
		list: func() client.ObjectList { return P(new(L)) },
		templates: func(list client.ObjectList) []template {
			typed, ok := list.(P)
			if !ok {
				return nil
			}
			all := items(typed)
			templates := make([]template, len(all))
			for i := range all {
				templates[i] = one(&all[i])
				templates[i].kind = name
			}
			return templates
		},
	}
}

// eachWorkload lists a kind page by page.
func eachWorkload(ctx context.Context, r client.Reader, kind workloadKind, namespace string, visit func(template)) error {
	next := ""
	for {
		list := kind.list()
		err := r.List(ctx, list, client.InNamespace(namespace), client.Limit(pageSize), client.Continue(next))
		if err != nil {
			return fmt.Errorf("listing %ss: %w", kind.name, err)
		}
		for _, t := range kind.templates(list) {
			visit(t)
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

// settingNames returns the names of everything that an application gets, as
// variables or as files.
func settingNames(d connections.Definition) []string {
	// As variables the names are the same as those of the files.
	d.Spec.Inject = ""
	b, err := connections.Bind(d)
	if err != nil {
		return []string{}
	}
	names := slices.Clone(b.Variables)
	if vault := d.Spec.Auth.KeyVaultCSI; vault != nil {
		for _, object := range vault.Objects {
			names = append(names, "file "+cmp.Or(object.File, object.Name))
		}
	}
	return names
}
