// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import "serviceconnector.dev/pkg/mutate"

// Failures returns the reasons of answers that are no verdict, by the result that
// an Observer is told.
func Failures() map[string][]mutate.Reason {
	return map[string][]mutate.Reason{
		"error": {reasonInternalError, reasonMalformed},
		"panic": {reasonPanic},
	}
}
