// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"testing"
	"time"
)

// An account is marked when its credential is known, however long others are waited
// for; one whose mark failed is not tried again and again at once.
func TestUntilKnown(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		trusted map[string]time.Time
		want    time.Duration
	}{
		"nobody":          {nil, lastRetry},
		"made now":        {map[string]time.Time{"a": now}, 10 * time.Second},
		"the first of":    {map[string]time.Time{"a": now, "b": now.Add(-8 * time.Second)}, 2 * time.Second},
		"in a moment":     {map[string]time.Time{"a": now.Add(time.Millisecond - 10*time.Second)}, settle},
		"its mark failed": {map[string]time.Time{"a": now.Add(-11 * time.Second)}, lastRetry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &federation{Options: Options{Now: func() time.Time { return now }, Propagation: 10 * time.Second}, trusted: c.trusted}
			if got := f.untilKnown(lastRetry); got != c.want {
				t.Errorf("waits %s, want %s", got, c.want)
			}
		})
	}
}
