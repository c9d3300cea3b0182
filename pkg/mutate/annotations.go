// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

// Annotations that are read from, or written to, workloads and pods. Package
// v1alpha1 documents each for users.
const (
	AnnotationConnections = domain + "connections"
	AnnotationContainers  = domain + "containers"
	AnnotationEnvPrefix   = domain + "env-prefix."
	AnnotationInjected    = domain + "injected"
	AnnotationCopied      = domain + "copied"
)

// LabelWorkloadIdentity is the label by which azure-workload-identity selects
// the pods that it gives a token. Its value is "true".
const LabelWorkloadIdentity = "azure.workload.identity/use"

const domain = "serviceconnector.dev/"
