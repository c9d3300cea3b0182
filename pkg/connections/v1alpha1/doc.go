// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the API of group serviceconnector.dev: Connection and
// ClusterConnection, and every annotation and label of the product as a
// constant.
//
// The comments on the types are user documentation: kubectl explain prints
// them. Rules that one object can break on its own are CEL rules on the types,
// checked by the API server at apply; rules that need the catalogue or a
// Secret show in the Ready condition.
//
// +kubebuilder:object:generate=true
// +groupName=serviceconnector.dev
package v1alpha1
