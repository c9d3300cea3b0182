// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Auth is a union: type says which member is set.
//
// +kubebuilder:validation:XValidation:rule="(self.type == 'WorkloadIdentity') == has(self.workloadIdentity)",message="workloadIdentity goes with type: WorkloadIdentity, and only with it"
// +kubebuilder:validation:XValidation:rule="(self.type == 'ServicePrincipal') == has(self.servicePrincipal)",message="servicePrincipal goes with type: ServicePrincipal, and only with it"
// +kubebuilder:validation:XValidation:rule="(self.type == 'KeyVaultCSI') == has(self.keyVaultCSI)",message="keyVaultCSI goes with type: KeyVaultCSI, and only with it"
// +kubebuilder:validation:XValidation:rule="self.type != 'ServicePrincipal' || has(self.secretRef)",message="type ServicePrincipal needs secretRef: the name of the Secret with the key client_secret"
// +kubebuilder:validation:XValidation:rule="!(self.type in ['WorkloadIdentity', 'KeyVaultCSI']) || !has(self.secretRef) && !has(self.provisionedServiceRef)",message="secretRef does not go with type: WorkloadIdentity or KeyVaultCSI, which have no credential"
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || !has(self.provisionedServiceRef)",message="set either secretRef or provisionedServiceRef"
// +kubebuilder:validation:XValidation:rule="self.type != 'ServicePrincipal' || !has(self.provisionedServiceRef)",message="provisionedServiceRef goes with type: Secret"
type Auth struct {
	// Secret: keys, passwords and connection strings from a Secret.
	// ServicePrincipal: a client id and its secret. WorkloadIdentity: a
	// federated identity; no credential at all. KeyVaultCSI: files, and on
	// request variables, straight out of an Azure Key Vault by the Secrets Store
	// CSI driver.
	// +kubebuilder:validation:Enum=Secret;ServicePrincipal;WorkloadIdentity;KeyVaultCSI
	Type AuthType `json:"type"`
	// The Secret with the credentials: in the product's own namespace for a
	// ClusterConnection, in its own namespace for a Connection. Its keys are the
	// placeholders that hold credentials (password, account_key, client_secret,
	// …); it may hold other parameters, too.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
	// Instead of secretRef, with type: Secret: an object that is a Provisioned
	// Service of the Service Binding specification. The Secret is the one that
	// its status.binding.name names, beside it.
	// +optional
	ProvisionedServiceRef *ProvisionedServiceReference `json:"provisionedServiceRef,omitempty"`
	// The service principal, with type: ServicePrincipal.
	// +optional
	ServicePrincipal *ServicePrincipal `json:"servicePrincipal,omitempty"`
	// The identity, with type: WorkloadIdentity.
	// +optional
	WorkloadIdentity *WorkloadIdentity `json:"workloadIdentity,omitempty"`
	// What is taken out of the vault and as whom, with type: KeyVaultCSI.
	// +optional
	KeyVaultCSI *KeyVaultCSI `json:"keyVaultCSI,omitempty"`
}

// AuthType is the way an application authenticates.
type AuthType string

// The values of AuthType.
const (
	AuthSecret           AuthType = "Secret"
	AuthServicePrincipal AuthType = "ServicePrincipal"
	AuthWorkloadIdentity AuthType = "WorkloadIdentity"
	AuthKeyVaultCSI      AuthType = "KeyVaultCSI"
)

// ProvisionedServiceReference names an object in the namespace where the
// connection's credentials are.
type ProvisionedServiceReference struct {
	// The object's API version, such as postgresql.example.com/v1.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	APIVersion string `json:"apiVersion"`
	// The object's kind.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
	// The object's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}

// SecretReference names a Secret. Its namespace is never chosen by the author
// of a connection.
type SecretReference struct {
	// The Secret's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}

// ServicePrincipal is an application registration in Microsoft Entra. Its
// secret is the key client_secret of the Secret in auth.secretRef.
type ServicePrincipal struct {
	// The application's client id.
	ClientID UUID `json:"clientID"`
	// The tenant of the application.
	TenantID UUID `json:"tenantID"`
}

// WorkloadIdentity is a user-assigned managed identity or an application that
// trusts the cluster's issuer.
type WorkloadIdentity struct {
	// The identity's client id. The pods' service account is
	// sc-account-<clientID>.
	ClientID UUID `json:"clientID"`
	// The identity's tenant. Omitted: the tenant azure-workload-identity is
	// installed with.
	// +optional
	TenantID UUID `json:"tenantID,omitempty"`
}

// KeyVaultCSI says what the Secrets Store CSI driver takes out of the vault in
// target.parameters.vault, and as whom: as the pods' workload identity
// (clientID), or as the identity of the AKS add-on (addonClientID).
//
// +kubebuilder:validation:XValidation:rule="has(self.clientID) != has(self.addonClientID)",message="set either clientID, for workload identity, or addonClientID, for the identity of the AKS add-on"
type KeyVaultCSI struct {
	// The client id of the identity that the pods run as. Their service account
	// is sc-account-<clientID>.
	// +optional
	ClientID UUID `json:"clientID,omitempty"`
	// The client id of the identity that the AKS add-on
	// azureKeyvaultSecretsProvider made on the nodes.
	// +optional
	AddonClientID UUID `json:"addonClientID,omitempty"`
	// The tenant of the vault.
	TenantID UUID `json:"tenantID"`
	// What is taken out of the vault.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	Objects []VaultObject `json:"objects"`
	// Where the files are in the containers. Omitted:
	// /mnt/secrets-store/<connection>.
	// +kubebuilder:validation:Pattern=`^/[^:]+$`
	// +kubebuilder:validation:MaxLength=512
	// +optional
	MountPath string `json:"mountPath,omitempty"`
}

// VaultObject is a secret, key or certificate in a vault.
type VaultObject struct {
	// The object's name in the vault.
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z-]+$`
	// +kubebuilder:validation:MaxLength=127
	Name string `json:"name"`
	// What it is. Omitted: secret.
	// +kubebuilder:validation:Enum=secret;key;cert
	// +kubebuilder:default=secret
	// +optional
	Type string `json:"type,omitempty"`
	// The version. Omitted: the latest.
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z]+$`
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Version string `json:"version,omitempty"`
	// The file's name. Omitted: the object's name.
	// +kubebuilder:validation:Pattern=`^[-._0-9A-Za-z]+$`
	// +kubebuilder:validation:MaxLength=253
	// +optional
	File string `json:"file,omitempty"`
	// A variable that gets the value, too. Omitted: none.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Variable string `json:"variable,omitempty"`
}

// UUID is a universally unique identifier in its usual lower-case form.
//
// +kubebuilder:validation:Pattern=`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`
// +kubebuilder:validation:MaxLength=36
type UUID string
