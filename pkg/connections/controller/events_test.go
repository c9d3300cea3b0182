// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func something(cause string) happening {
	return happening{about: corev1.ObjectReference{Kind: "Secret", Namespace: "shop", Name: "s", UID: "1"}, reason: "Repaired", message: "was edited", cause: cause}
}

// What is told twice, by whomever, is one event.
func TestEventsAreToldOnce(t *testing.T) {
	client := fake.NewFakeClient()
	for range 2 {
		told := newEvents(client, func() time.Time { return noon })
		told.tell(t.Context(), something("a"))
		told.tell(t.Context(), something("b"))
	}
	var list corev1.EventList
	if err := client.List(t.Context(), &list); err != nil || len(list.Items) != 2 {
		t.Fatalf("%d events, want 2: %v", len(list.Items), err)
	}
	if event := list.Items[0]; event.Namespace != "shop" || event.Type != corev1.EventTypeNormal || event.Count != 1 || !strings.HasPrefix(event.Name, "s.") {
		t.Errorf("%+v", event)
	}
}

func TestEventsAreBounded(t *testing.T) {
	client := fake.NewFakeClient()
	told := newEvents(client, func() time.Time { return noon })
	for i := range 10 * eventsAtOnce {
		told.tell(t.Context(), something(strings.Repeat("x", i)))
	}
	if told.tell(t.Context(), something("over")) {
		t.Error("what is dropped is said to be told")
	}
	var list corev1.EventList
	if err := client.List(t.Context(), &list); err != nil || len(list.Items) < eventsAtOnce || len(list.Items) > 2*eventsAtOnce {
		t.Errorf("%d events at once, want about %d: %v", len(list.Items), eventsAtOnce, err)
	}
}

// A flood of one kind leaves room for others.
func TestEventsOfOtherReasons(t *testing.T) {
	told := newEvents(fake.NewFakeClient(), func() time.Time { return noon })
	for i := range 2 * eventsAtOnce {
		told.tell(t.Context(), something(strings.Repeat("x", i)))
	}
	other := something("a")
	other.reason = "NotInjected"
	if !told.tell(t.Context(), other) {
		t.Error("an event of another reason is dropped")
	}
}

func TestEventFits(t *testing.T) {
	h := something("")
	h.about.Name, h.message, h.warning = strings.Repeat("n", 253), strings.Repeat("ü", 2000), true
	event := newEvents(nil, func() time.Time { return noon }).event(h)
	if len(event.Name) > 253 || len(event.Message) > longestMessage || !utf8.ValidString(event.Message) || event.Type != corev1.EventTypeWarning {
		t.Errorf("a name of %d bytes and a message of %d", len(event.Name), len(event.Message))
	}
}
