// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Bounds of what the events of one reason may cost the API server. What is over them
// is dropped: it is in the log, too. Each reason has its own, so that a flood of one
// kind does not keep others from being told.
const (
	eventsPerSecond = 10
	eventsAtOnce    = 100
)

// longestMessage is what an event's message may have. Source: k8s.io/kubernetes
// pkg/apis/core/validation/events.go, NoteLengthLimit.
const longestMessage = 1024

// happening is something that people should know of an object.
type happening struct {
	about           corev1.ObjectReference
	reason, message string
	warning         bool
	// cause tells this time from another of the same kind: a resourceVersion, say.
	cause string
}

// events tells people. The name of an event follows from what it tells, so that
// nothing is told twice: not by two that lead, nor after a restart.
type events struct {
	client client.Writer
	now    func() time.Time

	mu     sync.Mutex
	bounds map[string]*rate.Limiter
}

func newEvents(writer client.Writer, now func() time.Time) *events {
	return &events{client: writer, now: now, bounds: map[string]*rate.Limiter{}}
}

// Teller tells people of what others find out, as this package does of its own.
type Teller struct{ events *events }

// NewTeller returns a Teller that writes events and reads the time from now.
func NewTeller(writer client.Writer, now func() time.Time) *Teller {
	return &Teller{newEvents(writer, now)}
}

// Tell writes an event about an object, once for each cause.
func (t *Teller) Tell(ctx context.Context, about corev1.ObjectReference, reason, message string, warning bool, cause string) {
	t.events.tell(ctx, happening{about: about, reason: reason, message: message, warning: warning, cause: cause})
}

// tell writes an event, and reports whether it is there now. That it is not stops
// nothing.
func (e *events) tell(ctx context.Context, h happening) bool {
	if !e.bound(h.reason).Allow() {
		return false
	}
	err := e.client.Create(ctx, e.event(h))
	if err != nil && !apierrors.IsAlreadyExists(err) {
		ctrl.LoggerFrom(ctx).Info("an event could not be written", "reason", h.reason, "namespace", h.about.Namespace, "name", h.about.Name, "error", err.Error())
		return false
	}
	return true
}

func (e *events) bound(reason string) *rate.Limiter {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bounds[reason] == nil {
		e.bounds[reason] = rate.NewLimiter(eventsPerSecond, eventsAtOnce)
	}
	return e.bounds[reason]
}

func (e *events) event(h happening) *corev1.Event {
	now := metav1.NewTime(e.now())
	event := &corev1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: h.about.Namespace, Name: nameOf(h)},
		InvolvedObject:      h.about,
		Reason:              h.reason,
		Message:             h.message,
		Type:                corev1.EventTypeNormal,
		Source:              corev1.EventSource{Component: v1alpha1.ManagedBy},
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
		ReportingController: v1alpha1.ManagedBy,
	}
	if h.warning {
		event.Type = corev1.EventTypeWarning
	}
	if len(event.Message) > longestMessage {
		event.Message = strings.ToValidUTF8(event.Message[:longestMessage-3], "") + "..."
	}
	return event
}

// nameOf returns the name of an event: the object's, and a digest of the rest.
func nameOf(h happening) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{h.about.Kind, h.about.Namespace, h.about.Name, string(h.about.UID), h.reason, h.cause}, "\x00")))
	const longestName = 253 - 1 - 16
	return h.about.Name[:min(len(h.about.Name), longestName)] + "." + hex.EncodeToString(sum[:8])
}
