// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/mutate"
)

const (
	reviewVersion = "admission.k8s.io/v1"
	reviewKind    = "AdmissionReview"
)

// Request is the part of an AdmissionRequest that is read.
type Request struct {
	UID       types.UID               `json:"uid"`
	Kind      metav1.GroupVersionKind `json:"kind"`
	Namespace string                  `json:"namespace"`
	Name      string                  `json:"name"`
	Operation admissionv1.Operation   `json:"operation"`
	DryRun    bool                    `json:"dryRun"`
	Object    json.RawMessage         `json:"object"`
}

// Verdict is what was decided of a request that may pass.
type Verdict struct {
	// Reason is one word for metrics and audit.
	Reason   mutate.Reason
	Patch    mutate.Patch
	Warnings []string
	// Connections are the names that were asked for.
	Connections []string
}

// The reasons of verdicts that let a request pass.
const (
	ReasonInjected      mutate.Reason = "Injected"
	ReasonUnchanged     mutate.Reason = "Unchanged"
	ReasonNothingAsked  mutate.Reason = "NothingAsked"
	ReasonNotAnnotated  mutate.Reason = "NotAnnotated"
	ReasonMirrorPod     mutate.Reason = "MirrorPod"
	ReasonCopied        mutate.Reason = "Copied"
	reasonInternalError mutate.Reason = "InternalError"
	reasonMalformed     mutate.Reason = "MalformedReview"
	reasonPanic         mutate.Reason = "Panic"
)

// decodeReview reads an AdmissionReview of version v1 that holds a request.
func decodeReview(body []byte) (*Request, error) {
	var review struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Request    *Request `json:"request"`
	}
	if err := mutate.Decode(body, &review); err != nil {
		return nil, errors.New("the body is no JSON of an AdmissionReview")
	}
	switch {
	case review.APIVersion != reviewVersion || review.Kind != reviewKind:
		return nil, fmt.Errorf("the body is %s %s; send %s %s",
			mutate.Quote(review.APIVersion), mutate.Quote(review.Kind), reviewVersion, reviewKind)
	case review.Request == nil || review.Request.UID == "":
		return nil, errors.New("the AdmissionReview has no request, or the request has no uid")
	}
	return review.Request, nil
}

// encodeReview writes the response to a request: its verdict, or its denial.
func encodeReview(uid types.UID, verdict Verdict, denial *mutate.Denial) ([]byte, error) {
	a := answer{APIVersion: reviewVersion, Kind: reviewKind, Response: response{UID: uid, Allowed: denial == nil, Warnings: verdict.Warnings}}
	a.Response.AuditAnnotations.Reason, a.Response.AuditAnnotations.Connections = verdict.Reason, joined(verdict.Connections)
	if denial != nil {
		a.Response.AuditAnnotations.Reason = denial.Reason
		refused, err := json.Marshal(status(denial))
		if err != nil {
			return nil, fmt.Errorf("encoding the refusal: %w", err)
		}
		a.Response.Status = refused
		return mutate.Encode(&a)
	}
	patch, err := verdict.Patch.Encode()
	if err != nil {
		return nil, err
	}
	if patch != nil {
		a.Response.Patch, a.Response.PatchType = patch, admissionv1.PatchTypeJSONPatch
	}
	return mutate.Encode(&a)
}

// answer is an AdmissionReview with a response, as k8s.io/api/admission/v1 has it.
type answer struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Response   response `json:"response"`
}

type response struct {
	UID              types.UID             `json:"uid"`
	Allowed          bool                  `json:"allowed"`
	Status           jsontext.Value        `json:"status,omitzero"`
	Patch            []byte                `json:"patch,omitempty"`
	PatchType        admissionv1.PatchType `json:"patchType,omitempty"`
	AuditAnnotations auditAnnotations      `json:"auditAnnotations"`
	Warnings         []string              `json:"warnings,omitempty"`
}

// auditAnnotations are what the audit log shows of a request.
type auditAnnotations struct {
	Connections string        `json:"connections,omitempty"`
	Reason      mutate.Reason `json:"reason"`
}

func status(denial *mutate.Denial) *metav1.Status {
	result := &metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    403,
		Reason:  metav1.StatusReasonForbidden,
		Message: denial.Message,
	}
	var api apierrors.APIStatus
	if errors.As(denial.Err, &api) && api.Status().Details != nil {
		result.Details = &metav1.StatusDetails{Causes: slices.Clone(api.Status().Details.Causes)}
	}
	return result
}
