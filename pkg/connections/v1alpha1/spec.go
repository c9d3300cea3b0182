// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ConnectionSpec says what is reached, how to authenticate and what the
// application gets.
//
// +kubebuilder:validation:XValidation:rule="self.auth.type != 'Secret' || has(self.auth.secretRef) || has(self.auth.provisionedServiceRef) || self.target.service == 'custom'",message="auth.type Secret needs auth.secretRef: the name of the Secret with the credentials"
// +kubebuilder:validation:XValidation:rule="self.auth.type != 'KeyVaultCSI' || self.target.service == 'keyvault' && !has(self.settings) && !has(self.rename) && (!has(self.inject) || self.inject == 'Env') && (!has(self.naming) || self.naming == 'Plain')",message="auth.type KeyVaultCSI goes with target.service keyvault, and has auth.keyVaultCSI.objects instead of settings, rename, inject and naming"
type ConnectionSpec struct {
	// The service that is reached.
	Target Target `json:"target"`
	// The client type (dotnet, java, python, go, nodejs, springBoot, …). It
	// decides the names and formats of the settings. Omitted: none, which gives
	// the plain parts (host, port, user, …).
	// +kubebuilder:default=none
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Client string `json:"client,omitempty"`
	// How the application authenticates to the service.
	Auth Auth `json:"auth"`
	// More settings for the application; the whole list for service: custom. A
	// setting of the same name replaces the catalogue's.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Settings []Setting `json:"settings,omitempty"`
	// Renames settings: the catalogue's name to the name that the application
	// wants.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Rename map[string]string `json:"rename,omitempty"`
	// The name of the Secret that is made in each namespace that uses the
	// connection. Omitted: sc-<connection>-secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	SecretName string `json:"secretName,omitempty"`
	// How the application gets the settings. Env: as environment variables.
	// Files: as files below $SERVICE_BINDING_ROOT/<connection>, as the Service
	// Binding specification lays them out, with the entries type and provider.
	// Both: as both. Omitted: Env.
	// +kubebuilder:validation:Enum=Env;Files;Both
	// +kubebuilder:default=Env
	// +optional
	Inject InjectMode `json:"inject,omitempty"`
	// How variables are named. Plain: as the catalogue has them. ByConnection:
	// with the connection's name in the middle, as Azure Service Connector names
	// those of a second connection to the same kind of service
	// (AZURE_STORAGEBLOB_ARCHIVE_RESOURCEENDPOINT). Names that a client library
	// prescribes stay. Omitted: Plain.
	// +kubebuilder:validation:Enum=Plain;ByConnection
	// +kubebuilder:default=Plain
	// +optional
	Naming Naming `json:"naming,omitempty"`
	// What becomes of the objects that were made for the connection, in a
	// namespace that it serves no longer or once it is deleted. Retain: they stay,
	// no longer marked as made by Service Connector. Delete: each goes with the
	// last pod that uses it. Omitted: Retain.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
	// How workloads get new values of variables, which running pods never see.
	// Never: they are reported and left to their owners. Auto: their pods are
	// replaced, a few workloads at a time, where the installation allows it.
	// Files and volumes follow by themselves. Omitted: Never.
	// +kubebuilder:validation:Enum=Never;Auto
	// +kubebuilder:default=Never
	// +optional
	Rollout RolloutPolicy `json:"rollout,omitempty"`
	// The hours in which rollout: Auto may begin to replace pods. Omitted: any.
	// +optional
	RolloutWindow *RolloutWindow `json:"rolloutWindow,omitempty"`
}

// DeletionPolicy is what becomes of objects that are no longer needed.
type DeletionPolicy string

// The values of DeletionPolicy.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// RolloutPolicy is how workloads get new values.
type RolloutPolicy string

// The values of RolloutPolicy.
const (
	RolloutNever RolloutPolicy = "Never"
	RolloutAuto  RolloutPolicy = "Auto"
)

// RolloutWindow is a stretch of every day. One that ends before it starts goes
// over midnight.
//
// +kubebuilder:validation:XValidation:rule="self.start != self.end",message="a window that starts when it ends is none; leave rolloutWindow out for any time"
type RolloutWindow struct {
	// When it starts: hours and minutes, as 22:00.
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	Start string `json:"start"`
	// When it ends.
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	End string `json:"end"`
	// The time zone, as in the IANA database: Europe/Berlin. Omitted: UTC.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
}

// InjectMode is how an application gets its settings.
type InjectMode string

// The values of InjectMode.
const (
	InjectEnv   InjectMode = "Env"
	InjectFiles InjectMode = "Files"
	InjectBoth  InjectMode = "Both"
)

// Naming is how variables are named.
type Naming string

// The values of Naming.
const (
	NamingPlain        Naming = "Plain"
	NamingByConnection Naming = "ByConnection"
)

// Target names a service and where it is.
type Target struct {
	// The service: a key of the catalogue (postgres-flexible, storage-blob,
	// redis, …), or custom, which takes all its settings from settings.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Service string `json:"service"`
	// Values for the placeholders of the service's settings, by name: server,
	// database, account, … Credentials do not belong here but into the Secret
	// that auth.secretRef names.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['password','account_key','access_key','api_key','redis_key','key_value','client_secret','connection_string','instrumentation_key','bootstrap_secret','registry_secret','secret_access_key']))",message="a credential is never written inline: put it into a Secret and name that in auth.secretRef"
	// +optional
	Parameters map[string]Parameter `json:"parameters,omitempty"`
	// The ARM resource id of the service. It fills the parameters that it holds
	// (account, server, database, vault, …); those written in parameters must
	// agree with it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	ResourceID string `json:"resourceID,omitempty"`
	// The Azure cloud that the service is in; it decides the ends of host names.
	// Omitted: AzurePublic.
	// +kubebuilder:validation:Enum=AzurePublic;AzureUSGovernment;AzureChina
	// +kubebuilder:default=AzurePublic
	// +optional
	Cloud string `json:"cloud,omitempty"`
}

// Parameter is the value of a placeholder.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=2048
type Parameter string

// Setting is one variable that the application reads. A credential written
// inline is refused where it can be told; that is a help and no guard.
//
// +kubebuilder:validation:XValidation:rule="has(self.value) != has(self.valueFrom)",message="set either value or valueFrom"
// +kubebuilder:validation:XValidation:rule="!has(self.value) || self.value.matches('[{][a-z][a-z0-9_]*([|][a-z]+)?[}]') || !self.name.matches('(?i)(pass|passwd|password|pwd|secret|token|credential|(access|account|api|storage|shared|private)_?key|connection_?string)$')",message="a credential is never written inline: use valueFrom.secretKeyRef, or a placeholder such as {password}"
// +kubebuilder:validation:XValidation:rule="!has(self.value) || !self.value.matches('://[^/@:]*:([^/@{][^/@]*|[^0-9/@{][^@]*)@')",message="a credential is never written inline: write the password in the URL as a placeholder such as {password}"
// +kubebuilder:validation:XValidation:rule="!has(self.value) || !self.value.matches('(?i)(password|pwd|accountkey|sharedaccesskey) *= *[^{; ]')",message="a credential is never written inline: write the password as a placeholder such as {password}"
type Setting struct {
	// The variable's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// The value. {name} stands for a parameter or a key of the credentials.
	// +kubebuilder:validation:MaxLength=8192
	// +optional
	Value *string `json:"value,omitempty"`
	// Where the value comes from instead.
	// +optional
	ValueFrom *SettingSource `json:"valueFrom,omitempty"`
}

// SettingSource is where a setting's value comes from.
type SettingSource struct {
	// A key of a Secret in the namespace where the connection's credentials are.
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// SecretKeyReference names one key of a Secret.
type SecretKeyReference struct {
	// The Secret's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
	// The key in the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}
