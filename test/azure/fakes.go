// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// refusal is an answer that a fake server's function gives as its error.
type refusal struct{ answer }

func (r refusal) Error() string { return string(r.body) }

// refuse returns an answer as an error.
func refuse(a answer) error { return refusal{a} }

// through lets a fake server of the SDK answer. Path is the spelling it matches,
// method the name of the client's method.
//
// The server's context never ends: those of the SDK may panic when one does.
func through(server policy.Transporter, r *http.Request, path, method string) answer {
	request := r.Clone(context.WithValue(context.WithoutCancel(r.Context()), runtime.CtxAPINameKey{}, method))
	request.URL.Path, request.URL.RawPath = path, ""
	response, err := server.Do(request)
	if refused, ok := errors.AsType[refusal](err); ok {
		return refused.answer
	}
	if err != nil {
		// Only what cannot be decoded is left.
		return failure(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return failure(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	a := answer{status: response.StatusCode, body: bytes.TrimSpace(body)}
	if kind := response.Header.Get("Content-Type"); kind != "" {
		a = a.with("Content-Type", kind)
	}
	return a
}
