// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package admission is the edge to the API server: an AdmissionReview comes
// in, a response goes out.
//
// Endpoint is the wire: it checks and decodes what arrives, hands the request
// to a Decider and writes its Verdict. Pods and Workloads are the two
// Deciders. A Verdict is what was decided; an error means that nothing could
// be, and leaves the decision to the failurePolicy (an HTTP status that is not
// 2xx). A *mutate.Denial is a decision, too, and becomes allowed: false.
package admission
