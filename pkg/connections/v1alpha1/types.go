// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Connection is a named way to reach one target service. It serves the
// workloads of its own namespace: a workload that carries the annotation
// serviceconnector.dev/connections with this name gets the connection's
// settings as environment variables.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=conn,categories=serviceconnector
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.target.service`
// +kubebuilder:printcolumn:name="Auth",type=string,JSONPath=`.spec.auth.type`
// +kubebuilder:printcolumn:name="Client",type=string,JSONPath=`.spec.client`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Provisioned",type=integer,JSONPath=`.status.namespaces.provisioned`,priority=1
// +kubebuilder:printcolumn:name="Total",type=integer,JSONPath=`.status.namespaces.total`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 52",message="a connection's name has at most 52 characters"
// +kubebuilder:validation:XValidation:rule="!self.metadata.name.contains('.')",message="a connection's name is a DNS label: lower-case letters, digits and dashes, no dots"
type Connection struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is reached, and how.
	Spec ConnectionSpec `json:"spec"`
	// What the controller found. Written by the controller only.
	// +optional
	Status ConnectionStatus `json:"status,omitempty"`
}

// ConnectionList is a list of Connections.
//
// +kubebuilder:object:root=true
type ConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Connection `json:"items"`
}

// ClusterConnection is a connection that a platform team defines once for many
// namespaces. It serves the namespaces that allowedNamespaces names, and no
// others; its credentials stay in the product's own namespace. Where a
// namespace has a Connection of the same name, that one is used there.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=cconn,categories=serviceconnector
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.target.service`
// +kubebuilder:printcolumn:name="Auth",type=string,JSONPath=`.spec.auth.type`
// +kubebuilder:printcolumn:name="Client",type=string,JSONPath=`.spec.client`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Provisioned",type=integer,JSONPath=`.status.namespaces.provisioned`,priority=1
// +kubebuilder:printcolumn:name="Total",type=integer,JSONPath=`.status.namespaces.total`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 52",message="a connection's name has at most 52 characters"
// +kubebuilder:validation:XValidation:rule="!self.metadata.name.contains('.')",message="a connection's name is a DNS label: lower-case letters, digits and dashes, no dots"
type ClusterConnection struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is reached, how, and by which namespaces.
	Spec ClusterConnectionSpec `json:"spec"`
	// What the controller found. Written by the controller only.
	// +optional
	Status ConnectionStatus `json:"status,omitempty"`
}

// ClusterConnectionList is a list of ClusterConnections.
//
// +kubebuilder:object:root=true
type ClusterConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterConnection `json:"items"`
}

// ClusterConnectionSpec is a ConnectionSpec and the namespaces it serves.
type ClusterConnectionSpec struct {
	ConnectionSpec `json:",inline"`

	// The namespaces whose workloads may use this connection. Required: a
	// ClusterConnection serves nobody by omission.
	AllowedNamespaces AllowedNamespaces `json:"allowedNamespaces"`
}

// AllowedNamespaces says which namespaces a ClusterConnection serves.
//
// +kubebuilder:validation:XValidation:rule="(self.from == 'Selector') == has(self.selector)",message="selector goes with from: Selector, and only with it"
type AllowedNamespaces struct {
	// All: every namespace. Selector: the namespaces whose labels match
	// selector.
	// +kubebuilder:validation:Enum=All;Selector
	From AllowedFrom `json:"from"`
	// Labels of the namespaces served, with from: Selector.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// AllowedFrom is All or Selector.
type AllowedFrom string

// The values of AllowedFrom.
const (
	AllowedFromAll      AllowedFrom = "All"
	AllowedFromSelector AllowedFrom = "Selector"
)

// ConnectionStatus is what the controller found.
type ConnectionStatus struct {
	// Ready says whether pods can be given the connection, and why not.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// The Secret that workloads get. It makes the connection a Provisioned
	// Service of the Service Binding specification.
	// +optional
	Binding *Binding `json:"binding,omitempty"`
	// How far the namespaces have what the definition and the credentials say now.
	// +optional
	Namespaces NamespaceCount `json:"namespaces,omitzero"`
	// The generation of the spec that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// NamespaceCount counts the namespaces in which a connection is provisioned.
type NamespaceCount struct {
	// In how many namespaces it is provisioned.
	// +optional
	Total int32 `json:"total,omitempty"`
	// In how many of them the settings are those of now.
	// +optional
	Provisioned int32 `json:"provisioned,omitempty"`
}

// Binding names the Secret of a Provisioned Service.
type Binding struct {
	// The Secret's name, in each namespace that uses the connection.
	Name string `json:"name"`
}
