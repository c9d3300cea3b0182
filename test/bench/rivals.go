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
)

// rival is a program of others that is measured beside ours, in a world of its own: it
// follows objects of the whole cluster, and would be part of what is measured there.
type rival struct {
	module
	// Note tells how it runs here in another way than as released.
	Note string
	// Start runs it and has the API server ask it about the pods of its contender.
	Start func(ctx context.Context, w *world, c contender, b built) error
}

// leftOut is the reason of who was not wanted.
const leftOut = "left out by -without"

// rivals returns the names of the contenders that are programs of others.
func rivals() []string {
	var names []string
	for _, c := range others {
		names = append(names, c.Name)
	}
	return names
}

// addRivals starts those that are wanted. One that cannot be had is absent: the
// benchmark goes on without it and says why.
func (w *world) addRivals(ctx context.Context, unwanted map[string]bool) (missing []absent, err error) {
	for _, c := range others {
		err := errors.New(leftOut)
		if !unwanted[c.Name] {
			err = w.addRival(ctx, c)
		}
		if err == nil {
			w.contenders = append(w.contenders, c)
			continue
		}
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		say("not measured: %s: %v", c.What, err)
		missing = append(missing, absent{Name: c.Name, What: c.What, Reason: strings.Join(strings.Fields(err.Error()), " ")})
	}
	return missing, errors.Join(w.confined(ctx), w.settle(ctx))
}

// addRival builds and starts one, and waits until it does what is compared.
func (w *world) addRival(ctx context.Context, c contender) error {
	if err := w.add(ctx, c); err != nil {
		return err
	}
	b, err := c.Rival.build(ctx, filepath.Join(w.plane.Dir, "rival-"+c.Name))
	if err != nil {
		return err
	}
	if err := c.Rival.Start(ctx, w, c, b); err != nil {
		return err
	}
	return w.check(ctx, c)
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
