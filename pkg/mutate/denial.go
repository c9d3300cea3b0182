// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import "fmt"

// Reason says in one word why a pod was denied. Metrics and audit annotations
// carry it.
type Reason string

// The reasons of denials.
const (
	ReasonMalformed      Reason = "MalformedAnnotation"
	ReasonUnknown        Reason = "UnknownConnection"
	ReasonNotReady       Reason = "ConnectionNotReady"
	ReasonContainer      Reason = "UnknownContainer"
	ReasonServiceAccount Reason = "ServiceAccountConflict"
	ReasonIdentities     Reason = "TwoIdentities"
	ReasonVariables      Reason = "VariableConflict"
	ReasonLabel          Reason = "LabelConflict"
	ReasonVolume         Reason = "VolumeConflict"
	ReasonForeign        Reason = "ForeignObject"
	ReasonRefused        Reason = "ProvisioningRefused"
)

// Reasons returns all reasons of denials.
func Reasons() []Reason {
	return []Reason{
		ReasonMalformed, ReasonUnknown, ReasonNotReady, ReasonContainer, ReasonServiceAccount, ReasonIdentities,
		ReasonVariables, ReasonLabel, ReasonVolume, ReasonForeign, ReasonRefused,
	}
}

// Denial is a verdict: the pod must not start as it is. Its message says what,
// where and what to do, in one line.
type Denial struct {
	Reason  Reason
	Message string
	// Err is the API server's refusal behind the denial, if there is one.
	Err error
}

// Deny makes a Denial from a format.
func Deny(reason Reason, format string, args ...any) *Denial {
	return &Denial{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Error returns the message.
func (d *Denial) Error() string { return d.Message }

// Unwrap returns the error behind the denial.
func (d *Denial) Unwrap() error { return d.Err }
