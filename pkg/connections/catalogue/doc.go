// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

// Package catalogue holds the table target service × auth type × client type ->
// settings, and renders its templates.
//
// The table is data, one file per service under services/, and the same names
// that Azure Service Connector gives, so that applications written for the one
// work with the other:
//
//	service, ok := catalogue.Lookup("postgres-flexible")
//	settings, err := service.Settings("WorkloadIdentity", "python")
//	text, err := catalogue.Render(settings[0].Value, parameters)
//
// A template is text in which {lower_case} words are placeholders; every other
// brace stands for itself, so JSON passes. Values go in as they are, unless a
// filter follows the name: {password|url} is percent-encoded, {password|libpq}
// quoted where that is needed (see Filters). What values hold is never looked
// at again. No error tells a value.
//
// Which placeholders there are, and which of them hold a credential, is in
// placeholders.yaml.
//
// The package is pure: it reads nothing but its own embedded files, parses them
// once, and panics should they not parse, which a test rules out. What it
// returns is shared and must not be changed.
package catalogue
