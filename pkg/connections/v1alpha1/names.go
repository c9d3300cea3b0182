// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "serviceconnector.dev/pkg/mutate"

// Annotations that authors write on a workload, a pod template or a pod.
const (
	// AnnotationConnections lists connection names, separated by commas.
	AnnotationConnections = mutate.AnnotationConnections
	// AnnotationContainers limits injection to the named containers, separated
	// by commas. Without it all containers and init containers get it.
	AnnotationContainers = mutate.AnnotationContainers
	// AnnotationEnvPrefix, followed by a connection's name, holds a prefix for
	// the variables of that connection.
	AnnotationEnvPrefix = mutate.AnnotationEnvPrefix
)

// Annotations that the product writes.
const (
	// AnnotationInjected on a pod says what was injected. It is for people; the
	// webhook never reads it.
	AnnotationInjected = mutate.AnnotationInjected
	// AnnotationCopied on a pod template lists the annotations that were copied
	// from the workload, so that they can be removed with their origin.
	AnnotationCopied = mutate.AnnotationCopied
	// AnnotationOwner on a provisioned object names the definition it was made
	// from: Connection/<namespace>/<name> or ClusterConnection/<name>.
	AnnotationOwner = "serviceconnector.dev/owner"
	// AnnotationRevision on a provisioned object identifies the definition's
	// content it was made from. It is computed from names and templates, never
	// from a credential.
	AnnotationRevision = "serviceconnector.dev/revision"
)

// Labels of provisioned objects.
const (
	// LabelManagedBy marks every object the product makes, with the value
	// ManagedBy.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy and the name of the field
	// manager in server-side apply.
	ManagedBy = "service-connector"
	// LabelConnection names the connection an object was made for.
	LabelConnection = "serviceconnector.dev/connection"
)

// Names that azure-workload-identity reads.
// Source: its documentation, topics/service-account-labels-and-annotations.
const (
	// LabelWorkloadIdentity on a pod, set to "true", asks for a projected token.
	LabelWorkloadIdentity = mutate.LabelWorkloadIdentity
	// AnnotationClientID on a service account holds the identity's client id.
	AnnotationClientID = "azure.workload.identity/client-id"
	// AnnotationTenantID on a service account holds the identity's tenant.
	AnnotationTenantID = "azure.workload.identity/tenant-id"
)

// ConditionReady is the condition that says whether pods can be given the
// connection.
const ConditionReady = "Ready"

// Reasons of the Ready condition.
const (
	// ReasonReady: the connection can be given to pods.
	ReasonReady = "Ready"
	// ReasonUnknownService: target.service is not in the catalogue.
	ReasonUnknownService = "UnknownService"
	// ReasonUnsupportedAuth: the service does not offer this auth.type.
	ReasonUnsupportedAuth = "UnsupportedAuth"
	// ReasonUnknownClient: client is not a client type of the catalogue.
	ReasonUnknownClient = "UnknownClient"
	// ReasonMissingParameter: a value that the settings need is in neither
	// target.parameters nor the credentials.
	ReasonMissingParameter = "MissingParameter"
	// ReasonUnknownParameter: target.parameters has a name no setting uses.
	ReasonUnknownParameter = "UnknownParameter"
	// ReasonIllegalSetting: a setting's name cannot be a variable's name, or it
	// is set twice.
	ReasonIllegalSetting = "IllegalSetting"
	// ReasonCredentialsNotFound: the referenced Secret does not exist.
	ReasonCredentialsNotFound = "CredentialsNotFound"
	// ReasonCredentialsIncomplete: the referenced Secret lacks a key.
	ReasonCredentialsIncomplete = "CredentialsIncomplete"
	// ReasonCredentialsUnreadable: the referenced Secret could not be read.
	ReasonCredentialsUnreadable = "CredentialsUnreadable"
	// ReasonResourceIDMismatch: target.resourceID is no id of the service, or
	// disagrees with target.parameters.
	ReasonResourceIDMismatch = "ResourceIDMismatch"
	// ReasonUnsupportedCloud: the service is not in that Azure cloud.
	ReasonUnsupportedCloud = "UnsupportedCloud"
	// ReasonDriverMissing: the Secrets Store CSI driver is not installed.
	ReasonDriverMissing = "DriverMissing"
	// ReasonServiceNotProvisioned: the object that provisionedServiceRef names
	// does not exist, or its status names no Secret yet.
	ReasonServiceNotProvisioned = "ServiceNotProvisioned"
	// ReasonIllegalSelector: allowedNamespaces.selector cannot be read, so that
	// nobody is served.
	ReasonIllegalSelector = "IllegalSelector"
	// ReasonInternal: a fault of the product.
	ReasonInternal = "InternalError"
	// ReasonSecretTooLarge: the rendered Secret, or one value, is larger than a
	// Secret or an environment variable can be.
	ReasonSecretTooLarge = "SecretTooLarge"
)
