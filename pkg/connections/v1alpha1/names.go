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
	// AnnotationCredentials on a provisioned Secret identifies the state of the
	// Secrets that it was rendered from: a digest of their names, UIDs and
	// resourceVersions, never of what they hold.
	AnnotationCredentials = "serviceconnector.dev/credentials"
	// AnnotationChanged on a provisioned Secret says when its data last changed
	// after it was made, in RFC 3339: a variable of a pod that is older has an
	// earlier value.
	AnnotationChanged = "serviceconnector.dev/changed"
	// AnnotationDeletionPolicy on a provisioned object, with the value Delete, says
	// that it goes when it is no longer needed. Without it, it stays.
	AnnotationDeletionPolicy = "serviceconnector.dev/deletion-policy"
	// AnnotationRetained on an object that is no longer the product's names the
	// definition that it was made from. It is taken back if that one returns.
	AnnotationRetained = "serviceconnector.dev/retained"
	// AnnotationLinker on an imported Connection holds the resource id of the linker,
	// Azure's word for a connection of Service Connector, that it is imported from.
	AnnotationLinker = "serviceconnector.dev/linker"
	// AnnotationLinkerDigest on an imported Connection identifies the state of the
	// linker that its spec is of.
	AnnotationLinkerDigest = "serviceconnector.dev/linker-digest"
	// AnnotationRefresh on an imported Connection asks for its linker, and the keys of
	// what that leads to, to be read at once. The value is any that it did not have
	// before: the time, say.
	AnnotationRefresh = "serviceconnector.dev/refresh"
	// AnnotationRefreshed on an imported Connection holds the value of
	// AnnotationRefresh that was last done.
	AnnotationRefreshed = "serviceconnector.dev/refreshed"
	// AnnotationFederated on a provisioned service account names the federated
	// credential by which Azure trusts it.
	AnnotationFederated = "serviceconnector.dev/federated"
	// AnnotationRestarted on a pod template says for which change of its
	// connections the workload was rolled. GitOps tools may ignore it.
	AnnotationRestarted = "serviceconnector.dev/restarted"
)

// PodsWebhook is the name of the webhook for pods in our configuration.
const PodsWebhook = "pods.serviceconnector.dev"

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
	// LabelGated marks a pod that waits for its identity to be trusted.
	LabelGated = mutate.LabelGated
	// LabelImported marks a Connection that is imported, with ImportedFromAzure: its
	// spec is put back where others edit it.
	LabelImported = "serviceconnector.dev/imported"
	// ImportedFromAzure is the value of LabelImported for Azure's Service Connector.
	ImportedFromAzure = "azure"
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

// Conditions of connections.
const (
	// ConditionReady says whether pods can be given the connection.
	ConditionReady = "Ready"
	// ConditionProvisioned says whether every namespace that has the connection has
	// what the definition and the credentials say now.
	ConditionProvisioned = "Provisioned"
	// ConditionRolledOut says whether all running pods have the variables' present
	// values.
	ConditionRolledOut = "RolledOut"
	// ConditionImported says whether an imported connection is as Azure has it. Others
	// do not have it.
	ConditionImported = "Imported"
	// ConditionFederated says whether Azure trusts the service accounts of a connection
	// in the namespaces that use it. Only connections have it whose federated
	// credentials are made by the product.
	ConditionFederated = "Federated"
)

// Reasons of the Federated condition, beside those of Azure.
const (
	// ReasonFederated: every service account in use is trusted.
	ReasonFederated = "Federated"
	// ReasonFederating: federated credentials are being made.
	ReasonFederating = "Federating"
	// ReasonFederationLimit: the identity has as many federated credentials as it can
	// have.
	ReasonFederationLimit = "FederationLimit"
	// ReasonIdentityNotFound: no identity with that client id is in the configured
	// scopes.
	ReasonIdentityNotFound = "IdentityNotFound"
)

// Reasons of the Imported condition.
const (
	// ReasonImported: the spec is the linker's.
	ReasonImported = "Imported"
	// ReasonNotImportable: something in the cluster is in the way.
	ReasonNotImportable = "NotImportable"
	// ReasonAzureForbidden: Azure does not know our identity, or it lacks a role.
	ReasonAzureForbidden = "AzureForbidden"
	// ReasonAzureNotFound: there is no such resource.
	ReasonAzureNotFound = "AzureNotFound"
	// ReasonAzureThrottled: Azure asked to be left alone for a while.
	ReasonAzureThrottled = "AzureThrottled"
	// ReasonAzureUnreachable: Azure does not answer, or with failures.
	ReasonAzureUnreachable = "AzureUnreachable"
)

// Reasons of the Provisioned condition.
const (
	// ReasonUpToDate: every namespace has what it should.
	ReasonUpToDate = "UpToDate"
	// ReasonUpdating: namespaces are being brought up to date.
	ReasonUpdating = "Updating"
	// ReasonNotReady: the connection is not ready, so that namespaces keep what they
	// have.
	ReasonNotReady = "NotReady"
	// ReasonNotUpdated: some namespace could not be brought up to date; it is tried
	// again.
	ReasonNotUpdated = "NotUpdated"
)

// Reasons of the RolledOut condition.
const (
	// ReasonRolledOut: no pod runs with earlier values.
	ReasonRolledOut = "RolledOut"
	// ReasonStaleWorkloads: pods run with earlier values, and rolling them is left
	// to their owners.
	ReasonStaleWorkloads = "StaleWorkloads"
	// ReasonRollingOut: workloads are being rolled.
	ReasonRollingOut = "RollingOut"
	// ReasonRolloutWaiting: workloads will be rolled when the window opens.
	ReasonRolloutWaiting = "RolloutWaiting"
	// ReasonRolloutFailed: a workload did not come up with the present values, so
	// that no further one is rolled.
	ReasonRolloutFailed = "RolloutFailed"
	// ReasonRolloutDisabled: the connection asks for rollout: Auto, which this
	// installation does not allow.
	ReasonRolloutDisabled = "RolloutDisabled"
)

// Reasons of the events that the controller writes.
const (
	// EventRestored on an object of ours: it was deleted, and is made again.
	EventRestored = "Restored"
	// EventRepaired on an object of ours: it was edited, and is put back.
	EventRepaired = "Repaired"
	// EventContended on an object of ours: somebody keeps changing it.
	EventContended = "RepairContended"
	// EventRetained on an object that was ours: no connection needs it, and it
	// stays.
	EventRetained = "Retained"
	// EventStillUsed on an object of ours: no connection needs it, but pods use it.
	EventStillUsed = "StillUsed"
	// EventRemoved on an object that was ours: no connection needs it, and it is
	// deleted.
	EventRemoved = "Removed"
	// EventStaleValues on a workload: its pods run with earlier values.
	EventStaleValues = "StaleValues"
	// EventNotInjected on a workload or a pod: pods lack the connections that their
	// annotation asks for.
	EventNotInjected = "NotInjected"
	// EventEvicted on a workload: a pod that lacked its connections was evicted.
	EventEvicted = "Evicted"
	// EventImportRepaired on an imported Connection: its spec was edited, and is put
	// back.
	EventImportRepaired = "ImportRepaired"
	// EventNotImported on the product's Lease: a linker is no Connection.
	EventNotImported = "NotImported"
	// EventGated on a pod: it waits for its identity to be trusted.
	EventGated = "Gated"
	// EventGateHeld on a pod: it has been waiting for long.
	EventGateHeld = "GateHeld"
	// EventRollout on a workload: its pods are replaced to get the present values.
	EventRollout = "Rollout"
	// EventRolloutFailed on a workload: it did not come up with the present values.
	EventRolloutFailed = "RolloutFailed"
)

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
