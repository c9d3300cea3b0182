// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/test/cluster"
)

// rival is a program of others that is measured beside ours. It is there for the
// runs side by side alone: it follows objects of the whole cluster, which would
// be part of what is measured at scale.
type rival struct {
	module
	// Note tells how it runs here in another way than as released.
	Note string
	// Start runs it and has the API server ask it.
	Start func(ctx context.Context, w *world, c contender, b built) (*cluster.Program, error)
	// Clear takes away what it and Start made, as far as it is there.
	Clear func(ctx context.Context, w *world, b built) error
}

// guest is a rival that runs.
type guest struct {
	contender
	built
	program *cluster.Program
}

// leftOut is the reason of who was not wanted.
const leftOut = "left out by -without"

// rivals returns the names of the contenders that are programs of others.
func rivals() []string {
	var names []string
	for _, c := range contenders {
		if c.Rival != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// addRivals starts all rivals but some. One that cannot be had is absent: the
// benchmark goes on without it and says why.
func (w *world) addRivals(ctx context.Context, unwanted map[string]bool) error {
	for _, c := range contenders {
		if c.Rival == nil {
			continue
		}
		g, err := guest{contender: c}, errors.New(leftOut)
		if !unwanted[c.Name] {
			err = w.addRival(ctx, &g)
		}
		if err == nil {
			w.guests, w.notes = append(w.guests, g), append(w.notes, c.What+": "+c.Rival.Note)
			continue
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		say("not measured: %s: %v", c.What, err)
		reason := strings.Join(strings.Fields(err.Error()), " ")
		w.absent = append(w.absent, absent{Name: c.Name, What: c.What, Reason: reason})
		if err := w.remove(ctx, g); err != nil {
			return err
		}
	}
	return w.settle(ctx)
}

// addRival builds and starts one, and waits until it does what is compared, to no
// pods but its own. After an error something of it may be there.
func (w *world) addRival(ctx context.Context, g *guest) (err error) {
	if g.built, err = g.Rival.build(ctx, filepath.Join(w.plane.Dir, "rival-"+g.Name)); err != nil {
		return err
	}
	if g.program, err = g.Rival.Start(ctx, w, g.contender, g.built); err != nil {
		return err
	}
	if err := w.check(ctx, g.contender); err != nil {
		return err
	}
	return w.confined(ctx)
}

// dismiss removes all rivals.
func (w *world) dismiss(ctx context.Context) error {
	for _, g := range w.guests {
		if err := w.remove(ctx, g); err != nil {
			return err
		}
	}
	w.guests = nil
	return w.settle(ctx)
}

// settle waits until the API server has done what it does after kinds come and go,
// a minute at most.
func (w *world) settle(ctx context.Context) error {
	const little = 150 * time.Millisecond // of a second
	for range 60 {
		before, err := w.cpu(serverProcess)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		after, err := w.cpu(serverProcess)
		if err != nil {
			return err
		}
		if after-before < little {
			return nil
		}
	}
	return nil
}

// remove stops a rival, which could otherwise put back what it registered, and takes
// that away.
func (w *world) remove(ctx context.Context, g guest) error {
	if g.Source == "" {
		return nil // not even downloaded
	}
	var stopped error
	if g.program != nil {
		stopped = g.program.Stop()
	}
	if err := errors.Join(stopped, g.Rival.Clear(ctx, w, g.built)); err != nil {
		return fmt.Errorf("removing %s: %w", g.Name, err)
	}
	return nil
}

// confined reports a webhook, but for Service Connector's, that is asked about pods
// in other namespaces than those of one contender.
func (w *world) confined(ctx context.Context) error {
	var changing admissionregistrationv1.MutatingWebhookConfigurationList
	var checking admissionregistrationv1.ValidatingWebhookConfigurationList
	if err := errors.Join(w.objects.List(ctx, &changing), w.objects.List(ctx, &checking)); err != nil {
		return err
	}
	var errs []error
	look := func(of, name string, rules []admissionregistrationv1.RuleWithOperations, selector *metav1.LabelSelector) {
		if of != configuration && slices.ContainsFunc(rules, aboutPods) && !ofOne(selector) {
			errs = append(errs, fmt.Errorf("the webhook %s of %s is asked about pods of all contenders", name, of))
		}
	}
	for _, of := range changing.Items {
		for _, hook := range of.Webhooks {
			look(of.Name, hook.Name, hook.Rules, hook.NamespaceSelector)
		}
	}
	for _, of := range checking.Items {
		for _, hook := range of.Webhooks {
			look(of.Name, hook.Name, hook.Rules, hook.NamespaceSelector)
		}
	}
	return errors.Join(errs...)
}

// ofOne reports whether a selector is that of one contender's namespace.
func ofOne(selector *metav1.LabelSelector) bool {
	return selector != nil && selector.MatchLabels[benchLabel] != ""
}

// aboutPods reports whether a rule holds for pods.
func aboutPods(rule admissionregistrationv1.RuleWithOperations) bool {
	return slices.ContainsFunc(rule.APIGroups, func(group string) bool { return group == "" || group == "*" }) &&
		slices.ContainsFunc(rule.Resources, func(resource string) bool {
			return resource == "pods" || strings.HasPrefix(resource, "*") || strings.HasPrefix(resource, "pods/")
		})
}
