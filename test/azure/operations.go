// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// States of what is long-running.
const (
	succeeded = "Succeeded"
	failed    = "Failed"
)

// beginning says what an operation is to be.
type beginning struct {
	subscription, location, resource string
	// provider, word and version are the status URL's.
	provider, word, version string
	// polls is how many looks find it running.
	polls   int
	running string
	// properties are shown when it ended.
	properties any
	// end is called once, with the state locked.
	end func(*operation)
}

// operation is a long-running one.
type operation struct {
	beginning
	name, url string
	status    string
	err       *envelopeError
	start     time.Time
	ended     time.Time
}

// begin begins an operation, with the state locked.
func (c *Cloud) begin(b beginning) *operation {
	o := &operation{beginning: b, name: newID() + "*" + strings.ToUpper(strings.ReplaceAll(newID(), "-", "")), status: b.running, start: c.options.Now()}
	path := fmt.Sprintf("/subscriptions/%s/providers/%s/locations/%s/%s/%s", b.subscription, b.provider, b.location, b.word, o.name)
	signature := url.Values{
		"api-version": {b.version}, "t": {fmt.Sprint(o.start.UnixNano())},
		"c": {"stand-in"}, "s": {c.sealer.seal("operation", path+b.version)}, "h": {c.sealer.seal("hash", o.name)},
	}
	o.url = c.URL + path + "?" + signature.Encode()
	c.state.operations[key(o.name)] = o
	return o
}

// look is one look at an operation, by which it goes on. The state is locked.
func (o *operation) look(now time.Time) {
	if !o.ended.IsZero() {
		return
	}
	if o.polls > 0 {
		o.polls--
		return
	}
	o.status, o.ended = succeeded, now
	if o.end != nil {
		o.end(o)
	}
}

// fail ends the operation with an error.
func (o *operation) fail(code, message string) {
	o.status, o.err = failed, &envelopeError{Code: code, Message: message, Details: []envelopeError{}}
}

// operationStatus answers for a status URL that is used as it was given.
func (c *Cloud) operationStatus(r *http.Request, t target) answer {
	if r.Method != http.MethodGet {
		return notAllowed(r)
	}
	query := r.URL.Query()
	signed, err := c.sealer.open("operation", query.Get("s"))
	if err != nil || !strings.EqualFold(signed, r.URL.Path+query.Get("api-version")) {
		return unknownPath(r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.state.operations[key(t.names[1])]
	if !ok {
		return unknownPath(r)
	}
	o.look(c.options.Now())
	return jsonAnswer(http.StatusOK, o.document(r.URL.Path))
}

// document is the operation's status.
func (o *operation) document(path string) map[string]any {
	document := map[string]any{
		"id": path, "name": o.name, "resourceId": o.resource, "status": o.status, "startTime": o.start.UTC().Format(time.RFC3339Nano),
	}
	if o.ended.IsZero() {
		return document
	}
	document["endTime"] = o.ended.UTC().Format(time.RFC3339Nano)
	if o.err != nil {
		document["error"] = o.err
	} else if o.properties != nil {
		document["properties"] = o.properties
	}
	return document
}
