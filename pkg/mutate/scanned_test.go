// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the fast way reads, it reads as the general way does; all else it leaves to
// that.
func FuzzScanPod(f *testing.F) {
	source := &entropy{[]byte("scan")}
	for range 8 {
		f.Add(mustEncode(f, randomPod(source)))
	}
	for _, seed := range []string{
		`{"spec":{"containers":[],"volumes":[{"secret":{},"csi":{"driver":"d","volumeAttributes":{"a":"b"}}}]}}`,
		`{"metadata":{"annotations":{"a":"\n"},"managedFields":[{"f:x":{}}]}}`, `{"spec":{"x":[1,-0.5e+7,true,false,null,"\u00e9"]}} `,
		`{"spec":{"x":01}}`, `{"spec":{"x":[1,]}}`, `{"spec":{"x":"` + "\x01" + `"}}`, `{"spec":{"x":"\x"}}`, `{"spec":{}`, `{"spec":{}}}`, `{"a" "b"}`, `{,}`, `[[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, scanned := scanPod(raw)
		if !scanned || twice(raw) {
			t.Skip()
		}
		var want Pod
		if err := Decode(raw, &want); err != nil {
			t.Fatalf("the general way says %v, the fast way nothing, of %q", err, raw)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Pod{})); diff != "" {
			t.Errorf("%q (-general +fast):\n%s", raw, diff)
		}
	})
}

// What an API server sends goes the fast way.
func TestScanPod(t *testing.T) {
	raw, _, _, _ := benched(t)
	if _, scanned := scanPod(raw); !scanned {
		t.Errorf("left to the general way: %s", raw)
	}
}
