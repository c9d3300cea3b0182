// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// maxBody is what ARM takes, 4 MiB.
const maxBody = 4 << 20

// serve answers a request, or lets it fail.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	call := c.requests.begin(r)
	defer call.end()
	// With the body read, the server notices when the client gives up.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		c.write(w, call, failure(http.StatusRequestEntityTooLarge, "RequestContentTooLarge", "The request is too large."))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault, failing := c.faults.take(r)
	if failing && fault.Kind == Slow {
		c.wait(r, fault.Delay)
	} else if failing && fault.Kind != ResetMidBody {
		c.fail(w, r, call, fault)
		return
	}
	a := c.answer(r, call)
	if failing && fault.Kind == ResetMidBody {
		c.cut(w, call, a)
	}
	c.write(w, call, a)
}

// answer answers for Entra or for ARM.
func (c *Cloud) answer(r *http.Request, call *call) answer {
	if call.Host == HostEntra {
		return c.entra(r)
	}
	return c.arm(r, call)
}

func (c *Cloud) write(w http.ResponseWriter, call *call, a answer) {
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	header.Set("X-Ms-Request-Id", call.id)
	if call.Host == HostARM {
		header.Set("X-Ms-Correlation-Request-Id", newID())
	}
	if len(a.body) > 0 && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	call.Status = a.status
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// hostOf tells Entra's paths from ARM's, which begin with a word of ARM's.
func hostOf(r *http.Request) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch strings.ToLower(first) {
	case "subscriptions", "providers":
		return HostARM
	}
	return HostEntra
}
