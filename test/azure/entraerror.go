// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"
	"net/http"
	"time"
)

const entraTime = "2006-01-02 15:04:05Z"

// entraFailure answers with Entra's form of an error.
func entraFailure(now time.Time, status int, kind string, number int, format string, args ...any) answer {
	trace, correlation, stamp := newID(), newID(), now.UTC().Format(entraTime)
	return jsonAnswer(status, map[string]any{
		"error": kind,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			number, fmt.Sprintf(format, args...), trace, correlation, stamp),
		"error_codes":    []int{number},
		"timestamp":      stamp,
		"trace_id":       trace,
		"correlation_id": correlation,
	})
}

// refused answers that a client is not believed.
func (c *Cloud) refused(number int, format string, args ...any) answer {
	return entraFailure(c.options.Now(), http.StatusUnauthorized, "invalid_client", number, format, args...)
}

// malformed answers that a request makes no sense.
func (c *Cloud) malformed(number int, format string, args ...any) answer {
	return entraFailure(c.options.Now(), http.StatusBadRequest, "invalid_request", number, format, args...)
}
