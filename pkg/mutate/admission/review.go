// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	caseson "sigs.k8s.io/json"

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
	if err := caseson.UnmarshalCaseSensitivePreserveInts(body, &review); err != nil {
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
	response := &admissionv1.AdmissionResponse{UID: uid, Allowed: denial == nil, Warnings: verdict.Warnings}
	reason := verdict.Reason
	if denial != nil {
		reason = denial.Reason
		response.Result = status(denial)
	}
	response.AuditAnnotations = map[string]string{"reason": string(reason)}
	if len(verdict.Connections) > 0 {
		response.AuditAnnotations["connections"] = joined(verdict.Connections)
	}
	patch, err := verdict.Patch.Encode()
	if err != nil {
		return nil, err
	}
	if denial == nil && patch != nil {
		response.Patch, response.PatchType = patch, new(admissionv1.PatchTypeJSONPatch)
	}
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: reviewVersion, Kind: reviewKind},
		Response: response,
	})
}

// status is the API server's answer to a denied request. The causes of a
// refusal behind it stay, since controllers read them (NamespaceTerminating).
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
