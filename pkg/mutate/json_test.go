// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	caseson "sigs.k8s.io/json"
)

// Whatever comes is read as Kubernetes' own decoder reads it: the same pod, or an
// error from both. Only of names that are there twice the two make different
// things, and no API server sends them.
func FuzzDecodePod(f *testing.F) {
	source := &entropy{[]byte("decode")}
	for range 8 {
		f.Add(mustEncode(f, randomPod(source)))
	}
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"spec":null}`, `{"spec":{"containers":null}}`, `{"spec":{"containers":[null]}}`, `{"Spec":{"containers":[{"name":"a"}]}}`,
		`{"metadata":{"annotations":{"a":null}}}`, `{"metadata":{"annotations":{"a":1}}}`, `{"metadata":{"labels":{"a":"\ud800"}}}`, "{\"metadata\":{\"labels\":{\"a\":\"\xff\"}}}",
		`{"spec":{"volumes":[{"name":"v","csi":{"volumeAttributes":{}}}]}} x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if twice(raw) {
			t.Skip()
		}
		var want Pod
		wantErr := caseson.UnmarshalCaseSensitivePreserveInts(raw, &want)
		got, err := DecodePod(raw)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, Kubernetes' decoder %v, for %q", err, wantErr, raw)
		}
		if err != nil {
			return
		}
		want.raw = raw
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Pod{})); diff != "" {
			t.Errorf("%q (-Kubernetes +ours):\n%s", raw, diff)
		}
	})
}

// twice reports whether a name is there twice in an object.
func twice(raw []byte) bool {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true))
	for {
		if _, err := decoder.ReadToken(); err != nil {
			return strings.Contains(err.Error(), "duplicate")
		}
	}
}

// A patch is encoded as encoding/json does it.
func FuzzEncodePatch(f *testing.F) {
	f.Add("/metadata/labels/a~1b", "x", "<&>\u2028")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, path, name, value string) {
		patch := Patch{add(path, value), add(path, map[string]string{name: value, "z": ""}), add(path, []envFromSource{{Prefix: name, SecretRef: secretRef{Name: value}}}), remove(path)}
		got, err := patch.Encode()
		if err != nil {
			return // not UTF-8, which encoding/json would replace
		}
		want, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(want, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &b); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
