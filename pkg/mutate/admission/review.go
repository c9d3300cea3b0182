// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"encoding/base64"
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

// reviewed is an AdmissionReview as it is sent.
type reviewed struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Request    *Request `json:"request"`
}

// decodeReview reads an AdmissionReview of version v1 that holds a request.
func decodeReview(body []byte) (*Request, error) {
	review, scanned := scanReview(body)
	if !scanned {
		review = reviewed{}
		if err := mutate.Decode(body, &review); err != nil {
			return nil, errors.New("the body is no JSON of an AdmissionReview")
		}
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

// encodeReview writes an AdmissionReview with the response to a request: its
// verdict, or its denial. Source of the names: k8s.io/api/admission/v1.
func encodeReview(uid types.UID, verdict Verdict, denial *mutate.Denial) ([]byte, error) {
	w := writer{out: make([]byte, 0, 1024)}
	w.raw(`{"apiVersion":"` + reviewVersion + `","kind":"` + reviewKind + `","response":{"uid":`)
	w.text(string(uid))
	reason := verdict.Reason
	if denial != nil {
		reason = denial.Reason
		w.raw(`,"allowed":false,"status":`)
		w.value(status(denial))
	} else {
		w.raw(`,"allowed":true`)
		w.patch(verdict.Patch)
	}
	w.raw(`,"auditAnnotations":{`)
	if len(verdict.Connections) > 0 {
		w.raw(`"connections":`)
		w.text(joined(verdict.Connections))
		w.raw(`,`)
	}
	w.raw(`"reason":`)
	w.text(string(reason))
	w.raw(`}`)
	if len(verdict.Warnings) > 0 {
		w.raw(`,"warnings":`)
		w.value(verdict.Warnings)
	}
	w.raw(`}}`)
	return w.out, w.err
}

// writer writes JSON piece by piece, and remembers what went wrong first.
type writer struct {
	out []byte
	err error
}

func (w *writer) raw(json string) { w.out = append(w.out, json...) }

func (w *writer) text(value string) {
	out, err := jsontext.AppendQuote(w.out, value)
	w.out, w.err = out, cmp.Or(w.err, err)
}

func (w *writer) value(value any) {
	raw, err := json.Marshal(value)
	w.out, w.err = append(w.out, raw...), cmp.Or(w.err, err)
}

func (w *writer) patch(patch mutate.Patch) {
	raw, err := patch.Encode()
	w.err = cmp.Or(w.err, err)
	if raw == nil {
		return
	}
	w.raw(`,"patch":"`)
	w.out = base64.StdEncoding.AppendEncode(w.out, raw)
	w.raw(`","patchType":"` + string(admissionv1.PatchTypeJSONPatch) + `"`)
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
