// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

func TestOpen(t *testing.T) {
	night := &v1alpha1.RolloutWindow{Start: "22:00", End: "04:00", TimeZone: "Europe/Berlin"}
	noon := &v1alpha1.RolloutWindow{Start: "12:00", End: "13:00"}
	for _, c := range []struct {
		name   string
		window *v1alpha1.RolloutWindow
		now    string
		want   bool
	}{
		{"none", nil, "2026-11-27T03:00:00Z", true},
		{"in UTC", noon, "2026-11-27T12:00:00Z", true},
		{"its last minute", noon, "2026-11-27T12:59:59Z", true},
		{"its end is outside", noon, "2026-11-27T13:00:00Z", false},
		{"before midnight, in its zone", night, "2026-11-27T21:00:00Z", true},
		{"before it, in its zone", night, "2026-11-27T20:59:59Z", false},
		{"after midnight", night, "2026-11-28T02:59:59Z", true},
		{"over", night, "2026-11-28T03:00:00Z", false},
		{"in summer the zone is another", night, "2026-07-01T02:30:00Z", false},
		{"a zone that nobody knows", &v1alpha1.RolloutWindow{Start: "00:00", End: "23:59", TimeZone: "Mars/Base"}, "2026-11-27T12:00:00Z", false},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := open(c.window, now); got != c.want {
			t.Errorf("%s: open is %t at %s", c.name, got, c.now)
		}
	}
}
