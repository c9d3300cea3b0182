// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package azure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Explain makes a problem of an error of a call: what was asked, what Azure said,
// what to do.
func Explain(doing string, err error) *connections.Problem {
	var problem *connections.Problem
	if errors.As(err, &problem) {
		return problem
	}
	reason, said, hint := classify(err)
	return &connections.Problem{Reason: reason, Message: fmt.Sprintf("%s: %s; %s", doing, said, hint)}
}

// Said returns the reason of an error of a call, and what Azure said.
func Said(err error) (reason, said string) {
	reason, said, _ = classify(err)
	return reason, said
}

// Refused reports whether Azure answered a call with a refusal that is of what was
// asked, and says nothing of other calls. An operation that failed afterwards is one,
// with an error code and the status of the look at it, 200.
func Refused(err error) bool {
	var refused *azcore.ResponseError
	return errors.As(err, &refused) && (refused.StatusCode >= http.StatusBadRequest || refused.ErrorCode != "") && refused.StatusCode < http.StatusInternalServerError &&
		refused.StatusCode != http.StatusUnauthorized && refused.StatusCode != http.StatusForbidden && refused.StatusCode != http.StatusTooManyRequests
}

func classify(err error) (reason, said, hint string) {
	var (
		paused  *pausedError
		refused *azcore.ResponseError
		login   *azidentity.AuthenticationFailedError
	)
	switch {
	case errors.As(err, &paused) && paused.asked:
		return v1alpha1.ReasonAzureThrottled, paused.Error(), "nothing needs to be done"
	case errors.As(err, &paused):
		return v1alpha1.ReasonAzureUnreachable, paused.Error(), "it is asked again then; see the way out of the cluster"
	case errors.As(err, &login) && login.RawResponse == nil:
		return v1alpha1.ReasonAzureUnreachable, "Entra ID could not be asked: " + redact(login.Error()), "it is asked again; see the way out of the cluster, its proxy and certificates"
	case errors.As(err, &login):
		return v1alpha1.ReasonAzureForbidden, entraSaid(login), "see which identity the webhook runs as, and its federated credential (docs/azure.md)"
	case errors.As(err, &refused):
		code, message := armSaid(refused)
		said = fmt.Sprintf("Azure answered %d %s: %s", refused.StatusCode, code, message)
		switch refused.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return v1alpha1.ReasonAzureForbidden, said, "give the webhook's identity the role that docs/azure.md names for it"
		case http.StatusTooManyRequests:
			return v1alpha1.ReasonAzureThrottled, said, "it is asked again after the time that it named"
		case http.StatusNotFound:
			return v1alpha1.ReasonAzureNotFound, said, "correct the resource id, or make the resource"
		}
		return v1alpha1.ReasonAzureUnreachable, said, "it is asked again"
	case strings.Contains(err.Error(), noIdentity):
		return v1alpha1.ReasonAzureForbidden, "no identity for Azure was found here", "set up workload identity for the webhook (docs/azure.md)"
	case errors.Is(err, context.DeadlineExceeded):
		return v1alpha1.ReasonAzureUnreachable, "Azure did not answer in time", "it is asked again; see the way out of the cluster"
	}
	return v1alpha1.ReasonAzureUnreachable, redact(err.Error()), "it is asked again; see the way out of the cluster, its proxy and certificates"
}

// noIdentity is how azidentity says that none of the identities that it tries is
// there. Source: its errors have no type of their own for it.
const noIdentity = "DefaultAzureCredential: failed to acquire a token"

// armSaid returns the code and the message in an answer of the resource manager.
// Source: Azure's documentation of REST API error responses.
func armSaid(e *azcore.ResponseError) (code, message string) {
	var envelope struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if e.RawResponse != nil && e.RawResponse.Body != nil {
		raw, err := io.ReadAll(io.LimitReader(e.RawResponse.Body, longestBody))
		if err == nil {
			_ = json.Unmarshal(raw, &envelope) // what is no JSON says nothing
		}
	}
	return cmp.Or(redact(e.ErrorCode), redact(envelope.Error.Code), "without a code"), cmp.Or(redact(envelope.Error.Message), "no message")
}

const (
	longestBody = 64 << 10
	longestSaid = 400
)

var entraCode = regexp.MustCompile(`AADSTS\d+`)

// entraSaid names the code of an answer of Entra. The rest of it quotes the request.
func entraSaid(e *azidentity.AuthenticationFailedError) string {
	code := entraCode.FindString(e.Error())
	if code == "" {
		return "Entra ID gave no token"
	}
	return "Entra ID gave no token: " + code
}

var (
	// assigned matches what a name of a credential is set to.
	assigned = regexp.MustCompile(`(?i)((?:key|password|pwd|secret|token|signature|sig|assertion|authorization|bearer)[\w.-]*["']?\s*[=:]\s*(?:bearer\s+)?["']?)[^\s"';,&]+`)
	// long matches a run of the characters of base64 and hexadecimal.
	long = regexp.MustCompile(`[A-Za-z0-9+_-]{32,}(?:[/.=][A-Za-z0-9+_=-]*)*`)
	uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// redact returns a text in one line, cut, without what can be a credential.
func redact(text string) string {
	text = assigned.ReplaceAllString(text, "${1}…")
	text = long.ReplaceAllStringFunc(text, func(run string) string {
		if uuid.MatchString(strings.TrimRight(run, ".")) {
			return run // a client, a tenant, a subscription
		}
		return "…"
	})
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestSaid {
		text = strings.ToValidUTF8(text[:longestSaid], "") + "…"
	}
	return text
}
