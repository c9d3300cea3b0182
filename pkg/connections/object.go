// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

// Kind is the kind of an object that a binding needs in a namespace.
type Kind string

// The kinds of objects.
const (
	KindServiceAccount Kind = "ServiceAccount"
	KindSecret         Kind = "Secret"
	KindProviderClass  Kind = "SecretProviderClass"
)

// Object names an object that a binding needs in a namespace.
type Object struct {
	Kind            Kind
	Namespace, Name string
}
