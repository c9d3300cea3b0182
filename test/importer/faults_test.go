// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/test/azure"
)

// listing matches the requests for the cluster's linkers.
func listing(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(strings.ToLower(r.URL.Path), "/linkers")
}

// Whatever is wrong with Azure, the condition says it for as long as it is so, pods
// that have what they need are admitted as ever, edits are put back, and it ends with
// the fault.
func TestFaultsOfAzure(t *testing.T) {
	s := newShop(t)
	name := s.link("steady", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	s.pod(name)
	for _, c := range []struct {
		name         string
		begin        func() (end func())
		reason, says string
	}{
		{"it is forbidden", func() func() {
			cloud.Deny(webhookID, "Microsoft.ServiceLinker/linkers/read")
			return func() { cloud.Allow(webhookID, "Microsoft.ServiceLinker/linkers/read") }
		}, v1alpha1.ReasonAzureForbidden, "Microsoft.ServiceLinker/linkers/read"},
		{"it answers 503", func() func() {
			return cloud.Fail(listing, azure.Fault{Kind: azure.Status, Status: http.StatusServiceUnavailable, Code: "ServerBusy", Message: "AccountKey=" + canary})
		}, v1alpha1.ReasonAzureUnreachable, "the last 5 requests failed, the last with: 503"},
		{"it cuts answers short", func() func() {
			return cloud.Fail(listing, azure.Fault{Kind: azure.ResetMidBody})
		}, v1alpha1.ReasonAzureUnreachable, "asked again"},
		{"it answers nothing", func() func() {
			return cloud.Fail(listing, azure.Fault{Kind: azure.Hang})
		}, v1alpha1.ReasonAzureUnreachable, "did not answer in time"},
		{"Entra does not know the webhook any more", func() func() {
			end := cloud.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") },
				azure.Fault{Kind: azure.Status, Status: http.StatusBadRequest, Code: "unauthorized_client", Message: "AADSTS700016: " + canary})
			cloud.ExpireTokens()
			return end
		}, v1alpha1.ReasonAzureForbidden, "Entra ID gave no token: AADSTS700016"},
		{"its certificate is somebody else's", func() func() {
			cloud.WrongCertificate(true)
			return func() { cloud.WrongCertificate(false) }
		}, v1alpha1.ReasonAzureUnreachable, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shop{t: t, name: s.name, prefix: s.prefix}
			end := c.begin()
			defer end()
			message := s.says(name, metav1.ConditionUnknown, c.reason, c.says)
			before := len(cloud.Requests())
			start := time.Now()
			s.pod(name)
			t.Logf("a pod meanwhile took %s; the condition says: %s", time.Since(start).Round(time.Millisecond), message)
			if condition := s.afterAnEdit(name); condition.Status != metav1.ConditionUnknown {
				t.Errorf("once an edit is put back, it says %s: %s", condition.Status, condition.Message)
			}
			// No storm: a few tries, then a rest.
			if tries := len(cloud.Requests()) - before; tries > 10 {
				t.Errorf("%d requests while one pod was made", tries)
			}
			end()
			s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
		})
	}
}

// afterAnEdit edits a Connection, waits until that is put back, and returns the
// condition Imported then.
func (s *shop) afterAnEdit(name string) metav1.Condition {
	s.t.Helper()
	edited, err := controlPlane.Kubectl(s.t.Context(), "-n", s.name, "patch", "connection", name, "--type=merge", "-p", `{"spec":{"client":"java"}}`)
	if err != nil {
		s.t.Fatal(edited, err)
	}
	var condition *metav1.Condition
	s.eventually("the edit is put back", func() bool {
		c, _ := s.get(name)
		condition = meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionImported)
		return c.Spec.Client == "python" && condition.ObservedGeneration == c.Generation
	})
	return *condition
}

// After a 429 nothing is asked before the time that it named.
func TestRetryAfterIsKept(t *testing.T) {
	s := newShop(t)
	name := s.link("busy", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	const rest = 6 * time.Second
	end := cloud.Fail(listing, azure.Fault{Kind: azure.Status, Status: http.StatusTooManyRequests, RetryAfter: rest, Times: 1})
	defer end()
	refusedAt := func() (int, time.Time) {
		for i, r := range cloud.Requests() {
			if r.Status == http.StatusTooManyRequests {
				return i, r.At
			}
		}
		return -1, time.Time{}
	}
	s.eventually("it was refused", func() bool { i, _ := refusedAt(); return i >= 0 })
	index, at := refusedAt()
	s.eventually("it asks again", func() bool { return len(armAfter(index)) > 0 })
	if next := armAfter(index)[0]; next.At.Sub(at) < rest-100*time.Millisecond {
		t.Errorf("it asked again after %s, want %s", next.At.Sub(at), rest)
	}
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
}

// armAfter are the requests to the resource manager after one.
func armAfter(index int) []azure.Request {
	var later []azure.Request
	for _, r := range cloud.Requests()[index+1:] {
		if r.Host == azure.HostARM {
			later = append(later, r)
		}
	}
	return later
}

// A token that has ended is replaced, and nobody sees it.
func TestTokenIsRenewed(t *testing.T) {
	s := newShop(t)
	name := s.link("token", byIdentity())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	end := cloud.Fail(listing, azure.Fault{Kind: azure.TokenExpired, Times: 1})
	defer end()
	before := len(cloud.Requests())
	s.eventually("it was told that the token has ended, and goes on", func() bool {
		refused := false
		for _, r := range cloud.Requests()[before:] {
			refused = refused || r.Status == http.StatusUnauthorized
			if refused && r.Status == http.StatusOK && r.Host == azure.HostARM {
				return true
			}
		}
		return false
	})
}

// A restart finds everything as it should be, and writes nothing.
func TestSecondStartWritesNothing(t *testing.T) {
	s := newShop(t)
	setKey("steady")
	names := []string{s.link("one", byIdentity()), s.link("two", byKey())}
	for _, name := range names {
		s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	}
	versions := func() string {
		var all strings.Builder
		for _, name := range names {
			c, _ := s.get(name)
			all.WriteString(c.ResourceVersion + " ")
		}
		all.WriteString(s.secret("sc-" + s.compact("two") + "-credentials").ResourceVersion)
		return all.String()
	}
	settled := versions()
	s.eventually("nothing is written any more", func() bool {
		before := settled
		settled = versions()
		return before == settled && strings.TrimSpace(settled) != ""
	})
	if err := installed.Stop(); err != nil {
		t.Fatal(err)
	}
	before := len(cloud.Requests())
	if err := installed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually("it has imported twice", func() bool {
		lists := 0
		for _, r := range cloud.Requests()[before:] {
			if r.Action == "Microsoft.ServiceLinker/linkers/read" && r.Status == http.StatusOK {
				lists++
			}
		}
		return lists >= 3
	})
	if now := versions(); now != settled {
		t.Errorf("a restart wrote: %s, then %s", settled, now)
	}
}

// No credential is in the log, in events, conditions or metrics.
func TestNoCredentialIsTold(t *testing.T) {
	s := newShop(t)
	setKey("told")
	name := s.link("told", byKey())
	s.imported(name, metav1.ConditionTrue, v1alpha1.ReasonImported)
	s.pod(name)
	log, err := os.ReadFile(installed.Log)
	if err != nil {
		t.Fatal(err)
	}
	dump := func(args ...string) []byte {
		out, err := controlPlane.Kubectl(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	response, err := http.Get(installed.Metrics) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	metrics, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string][]byte{
		"the log": log, "events": dump("get", "events", "-A", "-o", "yaml"), "Connections": dump("get", "connections", "-A", "-o", "yaml"), "metrics": metrics,
	} {
		if len(text) == 0 || bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s: %d bytes, and a credential in them: %v", what, len(text), bytes.Contains(text, []byte(canary)))
		}
	}
	if !strings.Contains(string(metrics), "serviceconnector_azure_linkers") {
		t.Error("the metrics say nothing of linkers")
	}
}
