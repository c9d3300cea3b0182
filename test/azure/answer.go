// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer is what a request gets.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// with returns the answer with one more header.
func (a answer) with(name, value string) answer {
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	a.header = header
	return a
}

// jsonAnswer answers with a document. One that cannot be written is a fault of
// whoever set it.
func jsonAnswer(status int, document any) answer {
	body, err := json.Marshal(document)
	if err != nil {
		return failure(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	return answer{status: status, body: body}
}

// envelope is ARM's form of an error.
type envelope struct {
	Error envelopeError `json:"error"`
}

type envelopeError struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Target  *string         `json:"target"`
	Details []envelopeError `json:"details"`
}

// failure answers with ARM's form of an error.
func failure(status int, code, format string, args ...any) answer {
	return jsonAnswer(status, envelope{envelopeError{
		Code: code, Message: fmt.Sprintf(format, args...), Details: []envelopeError{},
	}})
}
