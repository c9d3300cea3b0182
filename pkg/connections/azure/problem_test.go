// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func TestRedact(t *testing.T) {
	const canary = "aGVsbG8gd29ybGQgY2FuYXJ5IHZhbHVlIG9mIGEga2V5IQ=="
	for _, text := range []string{
		"AccountKey=" + canary, "the key " + canary + " is wrong", `{"primaryKey": "` + canary + `"}`,
		"Authorization: Bearer " + canary, "password: " + canary[:9], "https://x/?sig=" + canary[:12] + "&x=1", `clientSecret='` + canary[:10] + `'`,
	} {
		if got := redact(text); strings.Contains(got, canary[:9]) {
			t.Errorf("%q keeps a credential: %q", text, got)
		}
	}
	for _, text := range []string{
		"The client 'aaaaaaaa-0000-0000-0000-000000000000' with object id 'bbbbbbbb-0000-0000-0000-000000000000' does not have authorization to perform action 'Microsoft.ServiceLinker/linkers/read'",
		"The Resource 'Microsoft.Storage/storageAccounts/receipts' under resource group 'g' was not found.",
	} {
		if got := redact(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	if got := redact("two\nlines\t" + strings.Repeat("word ", 200)); strings.ContainsAny(got, "\n\t") || len(got) > longestSaid+4 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

// Whatever surrounds it, what a name of a credential is set to does not survive.
func FuzzRedact(f *testing.F) {
	f.Add("a ", "AccountKey", " b")
	f.Add("{\"", "client_secret\":\"", "\"}")
	f.Fuzz(func(t *testing.T, before, name, after string) {
		const canary = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry"
		if strings.Contains(redact(before+name+"="+canary+after), canary) {
			t.Errorf("%q survives", before+name+"="+canary+after)
		}
	})
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err          error
		reason, says string
	}{
		{&pausedError{asked: true, why: "it answered 429", until: time.Unix(0, 0)}, v1alpha1.ReasonAzureThrottled, "not asked before 1970-01-01T00:00:00Z"},
		{&pausedError{why: "503", until: time.Unix(0, 0)}, v1alpha1.ReasonAzureUnreachable, "503"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), v1alpha1.ReasonAzureUnreachable, "did not answer in time"},
		{errors.New("tls: failed to verify certificate"), v1alpha1.ReasonAzureUnreachable, "certificates"},
		{fmt.Errorf("x: %w", notSupported("no")), v1alpha1.ReasonNotImportable, "no"},
	} {
		got := Explain("asking", c.err)
		if got.Reason != c.reason || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, "\n") {
			t.Errorf("%v: %+v", c.err, got)
		}
	}
}
