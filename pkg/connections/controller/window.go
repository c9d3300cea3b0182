// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	_ "time/tzdata" // windows name time zones, which the image does not have

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// open reports whether a window is open, nil for one that always is. A time zone
// that nobody knows opens none.
func open(window *v1alpha1.RolloutWindow, now time.Time) bool {
	if window == nil {
		return true
	}
	zone, err := time.LoadLocation(window.TimeZone)
	if err != nil {
		return false
	}
	// As clocks show it, so that days on which they are changed have it, too.
	at := now.In(zone).Format("15:04")
	if window.Start < window.End {
		return window.Start <= at && at < window.End
	}
	return window.Start <= at || at < window.End
}

// known reports whether a window's time zone is one.
func known(window *v1alpha1.RolloutWindow) bool {
	if window == nil {
		return true
	}
	_, err := time.LoadLocation(window.TimeZone)
	return err == nil
}
