// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// The two halves of the cloud.
const (
	HostEntra = "entra"
	HostARM   = "arm"
)

// Request is one that was made.
type Request struct {
	// At is when it came, by the clock of the machine.
	At     time.Time
	Method string
	Path   string
	// Query is without what signs a URL.
	Query url.Values
	// Status is what was answered, and 0 while nothing is, or nothing was.
	Status int
	// ClientRequestID is the one that the client made up.
	ClientRequestID string
	// Host is HostEntra or HostARM.
	Host string
	// Client is the client id that called, where a good token tells.
	Client string
	// Action is what ARM's roles would have to allow.
	Action string
}

// Requests returns all requests since the start in the order they came.
func (c *Cloud) Requests() []Request { return c.requests.all() }

// journal keeps requests.
type journal struct {
	mu   sync.Mutex
	kept []Request
}

// call is a request while it is answered.
type call struct {
	Request
	id      string
	at      int
	journal *journal
}

func (j *journal) begin(r *http.Request) *call {
	request := Request{
		At: time.Now(), Method: r.Method, Path: r.URL.Path, Query: withoutSecrets(r.URL.Query()),
		ClientRequestID: clientRequestID(r.Header), Host: hostOf(r),
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = append(j.kept, request)
	return &call{Request: request, id: newID(), at: len(j.kept) - 1, journal: j}
}

// end writes down what became of the call.
func (c *call) end() {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	c.journal.kept[c.at] = c.Request
}

func (j *journal) all() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.kept)
}

// clientRequestID returns the client's id, which ARM and Entra call differently.
func clientRequestID(h http.Header) string {
	if id := h.Get("X-Ms-Client-Request-Id"); id != "" {
		return id
	}
	return h.Get("Client-Request-Id")
}

// withoutSecrets takes out what would let another use a status URL.
func withoutSecrets(query url.Values) url.Values {
	for _, name := range []string{"t", "c", "s", "h"} {
		query.Del(name)
	}
	return query
}
