// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const checkRefusals = "refused pods"

// failedCreate is the reason of the events by which controllers tell that a pod
// was refused.
const failedCreate = "FailedCreate"

// What the API server says of our webhooks. Source: k8s.io/apiserver,
// pkg/admission/plugin/webhook/errors and .../mutating.
var (
	deniedByUs   = regexp.MustCompile(`admission webhook "pods\.serviceconnector\.dev" denied the request: (.*)$`)
	callFailed   = regexp.MustCompile(`failed calling webhook "pods\.serviceconnector\.dev": (.*)$`)
	noAccount    = regexp.MustCompile(`error looking up service account [^/]+/([^:]+): .*not found`)
	otherWebhook = regexp.MustCompile(`admission webhook "([^"]+)" denied the request`)
)

// checkRefused repeats why pods of the subject were refused. A refusal that is
// older than the newest pod is over.
func checkRefused(ctx context.Context, r client.Reader, s *subject) Finding {
	event, err := lastRefusal(ctx, r, s)
	switch {
	case err != nil:
		return unseen(checkRefusals, err)
	case event == nil:
		return ok(checkRefusals, "no event tells of a refused pod")
	case eventTime(*event).Before(s.newest()):
		return ok(checkRefusals, "none since the newest pod; before it: %s", ours(event.Message))
	}
	return refusal(event.Message)
}

// refusal reads the message of a FailedCreate event.
func refusal(message string) Finding {
	if match := deniedByUs.FindStringSubmatch(message); match != nil {
		return failure(checkRefusals, "do what the message says; the controller tries again by itself", "Service Connector refused the pod: %s", match[1])
	}
	if match := callFailed.FindStringSubmatch(message); match != nil {
		return failure(checkRefusals, "see kubectl get pods -n "+home+"; pods are made once the webhook answers",
			"the API server could not call Service Connector: %s", match[1])
	}
	if match := noAccount.FindStringSubmatch(message); match != nil {
		return failure(checkRefusals, "create it, or leave serviceAccountName out: the connection brings its own",
			"the pod template names service account %q, which does not exist", match[1])
	}
	if match := otherWebhook.FindStringSubmatch(message); match != nil {
		return failure(checkRefusals, "ask who runs that webhook", "another webhook, %s, refused the pod: %s", match[1], message)
	}
	return failure(checkRefusals, "", "the API server refused the pod: %s", message)
}

// ours cuts what surrounds our message.
func ours(message string) string {
	if match := deniedByUs.FindStringSubmatch(message); match != nil {
		return match[1]
	}
	return message
}

func lastRefusal(ctx context.Context, r client.Reader, s *subject) (*corev1.Event, error) {
	var found []corev1.Event
	err := pages(ctx, r, &corev1.EventList{}, func(list *corev1.EventList) {
		for _, event := range list.Items {
			if event.Reason == failedCreate && s.creators[event.InvolvedObject.UID] {
				found = append(found, event)
			}
		}
	}, client.InNamespace(s.target.Namespace))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	return &found[len(found)-1], nil
}

// refusedOwner finds, for a pod that does not exist, the object whose event
// tells that it could not be created.
func refusedOwner(ctx context.Context, r client.Reader, pod Target) (owner Target, found bool) {
	if pod.Kind != "Pod" {
		return Target{}, false
	}
	_ = pages(ctx, r, &corev1.EventList{}, func(list *corev1.EventList) { // nothing is found where one may not look
		for _, event := range list.Items {
			named := strings.HasPrefix(pod.Name, event.InvolvedObject.Name+"-") || strings.Contains(event.Message, " "+pod.Name+" ")
			if event.Reason == failedCreate && named && NewObject(event.InvolvedObject.Kind) != nil {
				owner = Target{Kind: event.InvolvedObject.Kind, Namespace: pod.Namespace, Name: event.InvolvedObject.Name}
				found = true
			}
		}
	}, client.InNamespace(pod.Namespace))
	return owner, found
}

// eventTime is when an event last happened.
func eventTime(event corev1.Event) time.Time {
	latest := event.LastTimestamp.Time
	if event.Series != nil && event.Series.LastObservedTime.After(latest) {
		latest = event.Series.LastObservedTime.Time
	}
	if latest.IsZero() {
		latest = event.EventTime.Time
	}
	return latest
}
