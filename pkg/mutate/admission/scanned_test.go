// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"serviceconnector.dev/pkg/mutate"
)

// What the fast way reads of a review, it reads as the general way does; all else it
// leaves to that.
func FuzzScanReview(f *testing.F) {
	f.Add(review(f, 1))
	for _, seed := range []string{
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"dryRun":true,"object":{"a":[1]}}}`,
		`{"request":{"object":null,"oldObject":null,"dryRun":false}}`, `{"request":null}`, `{"request":{"dryRun":1}}`, `{"request":{"object": {} , "name":"x"}}`, `{"request":{}}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, scanned := scanReview(body)
		if !scanned || repeats(body) {
			t.Skip()
		}
		var want reviewed
		if err := mutate.Decode(body, &want); err != nil {
			t.Fatalf("the general way says %v, the fast way nothing, of %q", err, body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-general +fast):\n%s", body, diff)
		}
	})
}

// repeats reports whether a name is there twice in an object.
func repeats(body []byte) bool {
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true))
	for {
		if _, err := decoder.ReadToken(); err != nil {
			return bytes.Contains([]byte(err.Error()), []byte("duplicate"))
		}
	}
}

// What an API server sends goes the fast way, and is not copied.
func TestScanReview(t *testing.T) {
	body := review(t, 3)
	got, scanned := scanReview(body)
	if !scanned || got.Request == nil || !json.Valid(got.Request.Object) {
		t.Fatalf("left to the general way, or read wrongly: %+v", got)
	}
	if !bytes.Contains(body, got.Request.Object) {
		t.Error("the object is not a part of the body")
	}
}
