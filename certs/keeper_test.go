// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// served returns the leaf that a replica serves, as PEM.
func served(t *testing.T, k *Keeper) string {
	t.Helper()
	leaf, err := k.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(encodeCertificates(leaf.Leaf))
}

func checkReady(t *testing.T, keepers ...*Keeper) {
	t.Helper()
	for i, k := range keepers {
		if err := k.Check(); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
	}
}

func TestFirstStart(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	if _, err := k.GetCertificate(nil); err == nil {
		t.Error("got a certificate before the first pass")
	}
	if err := k.Check(); err == nil || !k.NotAfter().IsZero() {
		t.Errorf("before the first pass: check %v, not after %v", err, k.NotAfter())
	}
	syncAll(t, k)
	checkReady(t, k)
	if want := c.Now().Add(day); !k.NotAfter().Equal(want) {
		t.Errorf("got %v, want %v", k.NotAfter(), want)
	}
	secret := a.secret()
	if secret.Type != corev1.SecretTypeTLS || string(secret.Data["ca.crt"]) != a.bundle() {
		t.Errorf("got type %s; or ca.crt is not what is published", secret.Type)
	}
}

// A pass with nothing to do writes nothing.
func TestSteady(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	one, two := newKeeper(a, c), newKeeper(a, c)
	syncAll(t, one, two)
	a.writes = nil
	for range 5 {
		c.Move(10 * time.Second)
		syncAll(t, one, two)
	}
	if len(a.writes) > 0 {
		t.Errorf("got %v", a.writes)
	}
}

// Only caBundle is ours; everything else stays its author's.
func TestPublishOwnsCABundleOnly(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	syncAll(t, newKeeper(a, c))
	found := a.configuration()
	for i, webhook := range found.Webhooks {
		if webhook.ClientConfig.Service == nil || len(webhook.AdmissionReviewVersions) == 0 {
			t.Errorf("webhook %s lost fields", webhook.Name)
		}
		found.Webhooks[i].ClientConfig.CABundle = nil
	}
	if diff := cmp.Diff(webhookConfiguration().Webhooks, found.Webhooks); diff != "" {
		t.Error(diff)
	}
	for _, entry := range found.ManagedFields {
		if entry.Manager != FieldOwner {
			continue
		}
		var fields map[string]map[string]any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			t.Fatal(err)
		}
		owned := map[string]any{"f:clientConfig": map[string]any{"f:caBundle": map[string]any{}}}
		want := map[string]map[string]any{"f:webhooks": {
			`k:{"name":"pods.serviceconnector.dev"}`: owned, `k:{"name":"workloads.serviceconnector.dev"}`: owned,
		}}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Error(diff)
		}
		return
	}
	t.Errorf("no fields of %s in %v", FieldOwner, found.ManagedFields)
}

// Who owns the configuration by server-side apply can take a webhook out: no
// entry of nothing but a caBundle stays behind, which an API server would refuse.
func TestOwnerTakesWebhookOut(t *testing.T) {
	a, c := newAPI(t), newClock()
	whole, less := webhookConfiguration(), webhookConfiguration()
	less.Webhooks = less.Webhooks[:1]
	k := newKeeper(a, c)
	a.applyAs("helm", whole)
	syncAll(t, k)
	a.applyAs("helm", less)
	found := a.configuration()
	if len(found.Webhooks) != 1 || len(found.Webhooks[0].ClientConfig.CABundle) == 0 {
		t.Errorf("got %d webhooks, the first with %d bytes of caBundle", len(found.Webhooks), len(found.Webhooks[0].ClientConfig.CABundle))
	}
	a.applyAs("helm", whole)
	syncAll(t, k)
	if a.bundle() != string(a.ring().bundle()) {
		t.Error("the webhook that came back has no caBundle")
	}
}

// Whatever somebody does to the caBundle, one pass repairs it, and nobody's
// readiness suffers.
func TestBundleRepaired(t *testing.T) {
	s := newCast(t)
	foreign := string(encodeCertificates(s.c.cert))
	tests := map[string]func(good string) [][]byte{
		"emptied":           func(string) [][]byte { return [][]byte{nil, nil} },
		"emptied in one":    func(string) [][]byte { return [][]byte{nil} },
		"replaced":          func(string) [][]byte { return [][]byte{[]byte(foreign), []byte(foreign)} },
		"foreign one added": func(good string) [][]byte { return [][]byte{[]byte(good + foreign), []byte(foreign + good)} },
		"garbage":           func(string) [][]byte { return [][]byte{[]byte("garbage")} },
	}
	for name, bundles := range tests {
		t.Run(name, func(t *testing.T) {
			a, c := newAPI(t, webhookConfiguration()), newClock()
			k := newKeeper(a, c)
			syncAll(t, k)
			good, leaf := a.bundle(), served(t, k)
			a.setBundle(bundles(good)...)
			c.Move(10 * time.Second)
			syncAll(t, k)
			if a.bundle() != good {
				t.Error("the caBundle is not what it was")
			}
			if served(t, k) != leaf {
				t.Error("the leaf was signed anew")
			}
			checkReady(t, k)
		})
	}
}

// A caBundle that cannot be repaired makes the replica unready, and the check
// says why.
func TestCheckBundleNotOurs(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	a.setBundle(encodeCertificates(mint(t, c.Now(), day).cert), nil)
	a.fail("patch configurations", forbidden())
	if err := k.Sync(t.Context()); err == nil {
		t.Fatal("the pass went well")
	}
	err := k.Check()
	for _, want := range []string{"would not accept", "publishing the caBundle", "forbidden"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "somethings"}, "some", errors.New("no right"))
}

// An API that is away makes nobody unready; the leaf is renewed meanwhile.
func TestAPIAway(t *testing.T) {
	a, c, log := newAPI(t, webhookConfiguration()), newClock(), &lines{}
	k := newKeeper(a, c, func(o *Options) { o.Log = log.Logger() })
	syncAll(t, k)
	first := served(t, k)
	a.fail("", errors.New("connection refused"))
	for range 40 {
		c.Move(time.Hour)
		err := k.Sync(t.Context())
		if err == nil {
			t.Fatal("the pass went well")
		}
		k.tell(err)
		checkReady(t, k)
	}
	if served(t, k) == first {
		t.Error("the leaf was not renewed")
	}
	a.fail("", nil)
	k.tell(k.Sync(t.Context()))
	if n := log.count("cannot be kept"); n != 1 {
		t.Errorf("the problem was logged %d times", n)
	}
	if n := log.count("kept up to date again"); n != 1 {
		t.Errorf("its end was logged %d times", n)
	}
}

// A leaf that nobody renews ends in being unready.
func TestCheckExpired(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	c.Move(25 * time.Hour)
	if err := k.Check(); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("got %v", err)
	}
}

func TestLeafRenewed(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	first := served(t, k)
	c.Move(16*time.Hour - time.Minute)
	syncAll(t, k)
	if served(t, k) != first {
		t.Error("renewed too early")
	}
	c.Move(time.Minute)
	syncAll(t, k)
	second := served(t, k)
	if second == first {
		t.Error("not renewed after two thirds of its life")
	}
	c.Move(-time.Hour)
	syncAll(t, k)
	checkReady(t, k)
	if served(t, k) != second {
		t.Error("a clock set back by an hour changed the leaf")
	}
	c.Move(-2 * time.Hour)
	syncAll(t, k)
	checkReady(t, k)
	if a.written("update secrets") != 0 {
		t.Error("the Secret was written")
	}
}

// Without a configuration the replica waits, says so once and goes on by itself.
func TestConfigurationAbsent(t *testing.T) {
	a, c, log := newAPI(t), newClock(), &lines{}
	k := newKeeper(a, c, func(o *Options) { o.Log = log.Logger() })
	for range 3 {
		err := k.Sync(t.Context())
		if !errors.Is(err, errWaiting) {
			t.Fatalf("got %v", err)
		}
		k.tell(err)
	}
	if n := log.count("is absent; apply the manifests"); n != 1 {
		t.Errorf("said %d times", n)
	}
	if err := k.Check(); err == nil || !strings.Contains(err.Error(), "is absent") {
		t.Errorf("got %v", err)
	}
	leaf := served(t, k)
	if err := a.Tracker().Add(webhookConfiguration()); err != nil {
		t.Fatal(err)
	}
	syncAll(t, k)
	checkReady(t, k)
	if served(t, k) != leaf {
		t.Error("the leaf was signed anew")
	}
}

func TestConfigurationWithoutWebhooks(t *testing.T) {
	empty := webhookConfiguration()
	empty.Webhooks = nil
	a, c := newAPI(t, empty), newClock()
	k := newKeeper(a, c)
	if err := k.Sync(t.Context()); !errors.Is(err, errWaiting) {
		t.Errorf("got %v", err)
	}
	if err := k.Check(); err == nil {
		t.Error("ready with a configuration that trusts nobody")
	}
}

// Without a name of a configuration none is read or written, and the Secret
// counts as the caBundle.
func TestNothingPublished(t *testing.T) {
	a, c := newAPI(t), newClock()
	k := newKeeper(a, c, func(o *Options) { o.Configuration, o.Configurations = "", nil })
	syncAll(t, k)
	checkReady(t, k)
	a.rotate()
	syncAll(t, k)
	if !k.signer.is(a.ring().authorities[1]) {
		t.Error("signed with an authority that has not settled")
	}
	a.fail("get secrets", errors.New("connection refused"))
	c.Move(10 * time.Second)
	if err := k.Sync(t.Context()); err == nil {
		t.Error("the pass went well")
	}
	a.fail("get secrets", nil)
	c.Move(time.Minute)
	syncAll(t, k)
	if !k.signer.is(a.ring().authorities[1]) {
		t.Error("an outage counted as settling")
	}
	c.Move(time.Minute)
	syncAll(t, k)
	checkReady(t, k)
	if !k.signer.is(a.ring().current()) {
		t.Error("not signed with the settled authority")
	}
}

// Two replicas that find nothing, or the same request, end with one authority.
func TestRace(t *testing.T) {
	nothing := func(*api) {}
	tests := map[string]struct {
		running   bool
		prepare   func(*api)
		call      string     // while one replica is about to make it,
		meanwhile func(*api) // this happens, and the other makes a pass
		want      int        // authorities
	}{
		"creation":                          {false, nothing, "create secrets", nothing, 1},
		"rotation":                          {true, (*api).rotate, "update secrets", nothing, 2},
		"publication":                       {true, func(a *api) { a.setBundle(nil, nil) }, "patch configurations", nothing, 1},
		"publication of what is old by now": {true, func(a *api) { a.setBundle(nil, nil) }, "patch configurations", (*api).rotate, 2},
		"deletion":                          {true, (*api).rotate, "update secrets", (*api).deleteSecret, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, c := newAPI(t, webhookConfiguration()), newClock()
			one, two := newKeeper(a, c), newKeeper(a, c)
			if test.running {
				syncAll(t, one, two)
			}
			test.prepare(a)
			a.before(test.call, func() {
				test.meanwhile(a)
				syncAll(t, two)
			})
			syncAll(t, one)
			if len(a.hooks) > 0 {
				t.Fatalf("no %s was made", test.call)
			}
			if !one.known.current().is(two.known.current()) {
				t.Error("the replicas have different authorities")
			}
			if got := len(a.ring().authorities); got != test.want {
				t.Errorf("got %d authorities, want %d", got, test.want)
			}
			if a.bundle() != string(a.ring().bundle()) {
				t.Error("the caBundle is not what the Secret holds")
			}
			checkReady(t, one, two)
		})
	}
}

// A Secret that is deleted under an update is no error.
func TestDeletedBeforeUpdate(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	a.rotate()
	a.before("update secrets", a.deleteSecret)
	syncAll(t, k)
	checkReady(t, k)
	if got := len(a.ring().authorities); got != 2 {
		t.Errorf("got %d authorities, want 2", got)
	}
}

// Many replicas started at once, for real.
func TestRaceConcurrent(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	keepers := make([]*Keeper, 8)
	var group sync.WaitGroup
	for i := range keepers {
		keepers[i] = newKeeper(a, c)
		group.Go(func() { _ = keepers[i].Sync(t.Context()) }) // a loser's error is what the next pass is for
	}
	group.Wait()
	syncAll(t, keepers...)
	for i, k := range keepers {
		if !k.signer.is(a.ring().current()) {
			t.Errorf("replica %d signs with an authority of its own", i)
		}
	}
	if got := len(a.ring().authorities); got != 1 {
		t.Errorf("got %d authorities, want 1", got)
	}
	checkReady(t, keepers...)
}

// A request is granted once, and its annotation removed.
func TestRequestedOnce(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	old := a.ring().current()
	a.rotate()
	syncAll(t, k)
	syncAll(t, k)
	r := a.ring()
	if len(r.authorities) != 2 || !r.authorities[1].is(old) {
		t.Errorf("got %d authorities", len(r.authorities))
	}
	if metav1.HasAnnotation(a.secret().ObjectMeta, RotateAnnotation) {
		t.Error("the request is still there")
	}
}

// The earlier authority leaves the Secret and the caBundle when it is over.
func TestOverlapEnds(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	a.rotate()
	for range 24 {
		syncAll(t, k)
		c.Move(time.Hour)
	}
	syncAll(t, k)
	if got := len(a.ring().authorities); got != 2 {
		t.Fatalf("got %d authorities after a day, want 2", got)
	}
	c.Move(settle)
	syncAll(t, k)
	if got := len(a.ring().authorities); got != 1 {
		t.Errorf("got %d authorities in the end, want 1", got)
	}
	if a.bundle() != string(a.ring().bundle()) {
		t.Error("the caBundle is not what the Secret holds")
	}
	checkReady(t, k)
}

// An unusable Secret is replaced, what was wrong is logged, and what replicas
// still serve under stays trusted.
func TestUnusableSecret(t *testing.T) {
	tests := map[string]struct {
		edit func(*corev1.Secret)
		say  string
	}{
		"garbage":     {func(s *corev1.Secret) { s.Data["tls.crt"] = []byte("garbage") }, "tls.crt: no PEM block"},
		"another key": {func(s *corev1.Secret) { s.Data["tls.key"], _ = encodeKey(mint(t, time.Now(), day).key) }, "tls.key does not belong to tls.crt"},
		"empty":       {func(s *corev1.Secret) { s.Data = nil }, "tls.crt: 0 certificates"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, c, log := newAPI(t, webhookConfiguration()), newClock(), &lines{}
			k := newKeeper(a, c, func(o *Options) { o.Log = log.Logger() })
			syncAll(t, k)
			old := a.ring().current()
			a.editSecret(test.edit)
			syncAll(t, k)
			r := a.ring()
			if len(r.authorities) != 2 || r.current().is(old) || !r.has(old) {
				t.Errorf("got %d authorities; the old one with its key: %v", len(r.authorities), r.has(old))
			}
			if log.count(test.say) != 1 || log.count(namespace+"/"+secretName) == 0 {
				t.Errorf("the log does not say %q of the Secret:\n%s", test.say, log)
			}
			checkReady(t, k)
		})
	}
}

// A Secret that refuses to be replaced is told as what it is.
func TestUnusableSecretStays(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k := newKeeper(a, c)
	syncAll(t, k)
	a.editSecret(func(s *corev1.Secret) { s.Data["tls.crt"] = []byte("garbage") })
	a.fail("update secrets", forbidden())
	err := k.Sync(t.Context())
	for _, want := range []string{"sc-system/service-connector-ca", "tls.crt: no PEM block", "delete it if this stays"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	checkReady(t, k) // the caBundle still trusts what it serves
}

// A deleted Secret, found by a replica that remembers or by one that has just
// started: the old authority stays in the caBundle, and gets its key back.
func TestSecretDeleted(t *testing.T) {
	for name, newcomerFirst := range map[string]bool{"remembered": false, "found by a newcomer": true} {
		t.Run(name, func(t *testing.T) {
			a, c := newAPI(t, webhookConfiguration()), newClock()
			running, newcomer := newKeeper(a, c), newKeeper(a, c)
			syncAll(t, running)
			old := a.ring().current()
			a.deleteSecret()
			order := []*Keeper{running, newcomer}
			if newcomerFirst {
				order = []*Keeper{newcomer, running}
			}
			for _, k := range order {
				syncAll(t, k)
				if !strings.Contains(a.bundle(), string(encodeCertificates(old.cert))) {
					t.Fatal("the old authority left the caBundle")
				}
			}
			checkReady(t, running, newcomer)
			r := a.ring()
			if len(r.authorities) != 2 || r.current().is(old) || !r.has(old) {
				t.Errorf("got %d authorities; the old one with its key: %v", len(r.authorities), r.has(old))
			}
		})
	}
}

// A replica cut off for longer than an overlap finds its authority gone. It is
// put back, since API servers call the replica with what it serves.
func TestComesBackLate(t *testing.T) {
	a, c := newAPI(t, webhookConfiguration()), newClock()
	k, lost := newKeeper(a, c), newKeeper(a, c)
	syncAll(t, k, lost)
	a.rotate()
	for range 30 {
		syncAll(t, k)
		c.Move(time.Hour)
	}
	if got := len(a.ring().authorities); got != 1 {
		t.Fatalf("got %d authorities, want 1", got)
	}
	syncAll(t, lost)
	checkReady(t, k, lost)
	if got := len(a.ring().authorities); got != 2 {
		t.Errorf("got %d authorities, want 2", got)
	}
	c.Move(settle)
	syncAll(t, lost, k)
	checkReady(t, k, lost)
	if !lost.signer.is(a.ring().current()) {
		t.Error("not signed with the settled authority")
	}
}

func TestRun(t *testing.T) {
	a := newAPI(t)
	k := newKeeper(a, newClock(), func(o *Options) { o.Interval = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	eventually(t, "a leaf", func() bool { return !k.NotAfter().IsZero() })
	if err := a.Tracker().Add(webhookConfiguration()); err != nil {
		t.Fatal(err)
	}
	k.Trigger()
	eventually(t, "readiness after Trigger", func() bool { return k.Check() == nil })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s in time", what)
		}
	}
}

// No key in a log, an error or a check, in whatever goes wrong.
func TestNoKeyTold(t *testing.T) {
	a, c, log := newAPI(t, webhookConfiguration()), newClock(), &lines{}
	k := newKeeper(a, c, func(o *Options) { o.Log = log.Logger() })
	var keys [][]byte
	pass := func() {
		if err := k.Sync(t.Context()); err != nil {
			log.Logger().Error(err, "pass", "check", k.Check())
		}
		keys = append(keys, a.secret().Data["tls.key"], a.secret().Data["previous.key"])
	}
	pass()
	a.rotate()
	pass()
	a.editSecret(func(s *corev1.Secret) { s.Data["tls.crt"] = s.Data["tls.key"] })
	pass()
	a.editSecret(func(s *corev1.Secret) { s.Data["previous.crt"] = s.Data["previous.key"] })
	pass()
	a.editSecret(func(s *corev1.Secret) { s.Data["tls.key"] = append([]byte("x"), s.Data["tls.key"]...) })
	pass()
	a.deleteSecret()
	pass()
	text := log.String()
	if log.count("certificate authority made") < 3 {
		t.Errorf("too little was logged to prove anything:\n%s", text)
	}
	if strings.Contains(text, "PRIVATE KEY-") {
		t.Errorf("a key was logged:\n%s", text)
	}
	for _, key := range keys {
		for line := range strings.Lines(string(key)) {
			line = strings.TrimSpace(line)
			if len(line) < 8 || strings.HasPrefix(line, "-") {
				continue
			}
			if strings.Contains(text, line) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(line))) {
				t.Fatal("part of a key was logged")
			}
		}
	}
}
