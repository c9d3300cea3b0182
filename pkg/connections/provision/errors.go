// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/mutate"
)

// exists tells "not there" from errors.
func exists(err error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// denied reports whether the API server said no for a reason that trying again
// does not change: rights, quota, a namespace that terminates, an invalid
// object.
func denied(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) ||
		apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// refusal passes the API server's answer on: as a denial with its reason where
// it said no, else as an error.
func refusal(err error, b *connections.Binding, kind connections.Kind, namespace, name string) error {
	if !denied(err) {
		return wrap(err, "making %s %q in namespace %q", kind, name, namespace)
	}
	denial := mutate.Deny(mutate.ReasonRefused, "connection %q: %s %q cannot be made in namespace %q: %s",
		b.Definition.Name, kind, name, namespace, said(err))
	denial.Err = err
	return denial
}

// notReady turns a problem into the denial of a pod; other errors stay.
func notReady(b *connections.Binding, err error) error {
	var problem *connections.Problem
	if errors.As(err, &problem) {
		return connections.NotReady(b.Definition.Name, problem)
	}
	return err
}

// maxSaid is how much of the API server's words is passed on.
const maxSaid = 512

// policy matches the name of a webhook or policy of the cluster in a refusal.
// Sources: k8s.io/apiserver admission/plugin/webhook/errors and
// admission/plugin/policy/validating.
var policy = regexp.MustCompile(`^(?:.*: )?(admission webhook "[^"]{1,253}"|ValidatingAdmissionPolicy '[^']{1,253}')`)

// said returns the API server's words in one line. Those of other webhooks and
// policies could quote what they saw, so of them only the name is passed on.
func said(err error) string {
	text := err.Error()
	if found := policy.FindStringSubmatch(text); found != nil {
		return found[1] + " refused it; its own log says why"
	}
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "..."
	}
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
