// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	authTypes   = []string{"Secret", "ServicePrincipal", "WorkloadIdentity"}
	clientTypes = []string{
		clientNone, "dotnet", "java", "python", "go", "php", "ruby", "django", "nodejs",
		"springBoot", "kafka-springBoot", "jms-springBoot", "dapr",
	}
)

// clientNone is the client type of an application that names none.
const clientNone = "none"

// Group says who runs a service.
type Group string

// The groups of services.
const (
	// GroupAzure is of services of Azure and Microsoft Fabric.
	GroupAzure Group = "azure"
	// GroupPartner is of other companies' services that Azure Service Connector
	// knows.
	GroupPartner Group = "partner"
	// GroupSelfHosted is of software that people run themselves, in the cluster
	// or beside it. Keys that Azure's names have taken end in -server.
	GroupSelfHosted Group = "self-hosted"
	// GroupCustom is of the one service that stands for all others.
	GroupCustom Group = "custom"
)

// Service is a target service: what it is called and what its clients read.
type Service struct {
	// Key is how a connection names the service.
	Key string `json:"key"`
	// Name is its name for people.
	Name string `json:"name"`
	// Group says who runs it.
	Group Group `json:"group"`
	// AlsoKnownAs are other words that people look for it by.
	AlsoKnownAs []string `json:"alsoKnownAs,omitempty"`
	// Deprecated marks a service that its provider has retired.
	Deprecated bool `json:"deprecated,omitempty"`
	// AliasOf is the key of the service whose rows this one has; else "".
	AliasOf string `json:"aliasOf,omitempty"`
	// EnvPrefix is what the names of its variables begin with, save those that a
	// client library prescribes.
	EnvPrefix string `json:"envPrefix,omitempty"`
	// ARMType is its resource type in Azure; "" for a service outside of Azure.
	ARMType string `json:"armType,omitempty"`
	// ResourceID is the template of its resource ids; "" if it has none.
	ResourceID string `json:"resourceID,omitempty"`
	// Keys says how Azure is asked for its credentials; nil where Azure does not
	// give them, as with the passwords of databases.
	Keys *Keys `json:"keys,omitempty"`
	// DefaultRoles are the Azure roles that an identity needs as a rule.
	DefaultRoles []Role `json:"defaultRoles,omitempty"`
	// Defaults are the values of parameters that a connection leaves out; see
	// Default.
	Defaults map[string]string `json:"defaults,omitempty"`
	// Note is what a user should know; may be "".
	Note string `json:"note,omitempty"`
	// Rows are its settings by auth type and client types.
	Rows []Row `json:"rows,omitempty"`
}

// Keys says how Azure Resource Manager is asked for the credentials of a service.
// Source: the REST reference of each service, operation List Keys.
type Keys struct {
	// Resource is the template of the resource that is asked.
	Resource string `json:"resource"`
	// Call is the operation that gives keys, by POST; "" to read the resource
	// itself.
	Call string `json:"call,omitempty"`
	// APIVersion is the version of the API.
	APIVersion string `json:"apiVersion"`
	// Credentials are where in the answer each is, as names and numbers with dots
	// between them.
	Credentials map[string]string `json:"credentials"`
	// Also are templates of further parameters that go with them.
	Also map[string]string `json:"also,omitempty"`
}

// Role is an Azure role.
type Role struct {
	// Name is its name.
	Name string `json:"name"`
	// ID is the id of its definition.
	ID string `json:"id"`
}

// Row is what some client types read with one auth type.
type Row struct {
	// Auth is Secret, ServicePrincipal or WorkloadIdentity.
	Auth string `json:"auth"`
	// Clients are the client types that the row is for.
	Clients []string `json:"clients"`
	// Default marks the row that also serves client types without a row.
	Default bool `json:"default,omitempty"`
	// Note is what a user of the row should know; may be "".
	Note string `json:"note,omitempty"`
	// Settings are the settings, in order.
	Settings []Setting `json:"settings"`
}

// Setting is one variable that an application reads.
type Setting struct {
	// Name is the variable's name.
	Name string `json:"name"`
	// Value is a template.
	Value string `json:"value"`
	// Description says what the value is.
	Description string `json:"description"`
	// Secret says that the value holds a credential; it follows from the
	// placeholders.
	Secret bool `json:"-"`
}

// UnsupportedAuthError says that a service has no settings for an auth type.
type UnsupportedAuthError struct {
	// Service is the service's key.
	Service string
	// Auth is the auth type asked for.
	Auth string
	// Offered are the auth types that the service has.
	Offered []string
}

// Error implements error.
func (e *UnsupportedAuthError) Error() string {
	return fmt.Sprintf("%s does not offer %q; use %s", e.Service, e.Auth, strings.Join(e.Offered, ", "))
}

// UnknownClientError says that there is no such client type.
type UnknownClientError struct {
	// Client is the client type asked for.
	Client string
	// Known are the client types there are.
	Known []string
}

// Error implements error.
func (e *UnknownClientError) Error() string {
	return fmt.Sprintf("%q is not a client type; use %s", e.Client, strings.Join(e.Known, ", "))
}

// ClientTypes returns every client type there is.
func ClientTypes() []string {
	return slices.Clone(clientTypes)
}

// Settings returns the settings of a client type with an auth type; client ""
// means none. Its errors are *UnsupportedAuthError and *UnknownClientError.
func (s *Service) Settings(auth, client string) ([]Setting, error) {
	row, err := s.Row(auth, client)
	return slices.Clone(row.Settings), err
}

// Row returns the row that serves a client type with an auth type: its own, or
// the default row. The custom service has an empty row for all of them.
func (s *Service) Row(auth, client string) (Row, error) {
	if client == "" {
		client = clientNone
	}
	if !slices.Contains(s.AuthTypes(), auth) {
		return Row{}, &UnsupportedAuthError{Service: s.Key, Auth: auth, Offered: s.AuthTypes()}
	}
	if !slices.Contains(clientTypes, client) {
		return Row{}, &UnknownClientError{Client: client, Known: ClientTypes()}
	}
	row := Row{Auth: auth, Clients: []string{client}}
	for _, r := range s.Rows {
		switch {
		case r.Auth != auth:
		case slices.Contains(r.Clients, client):
			return r, nil
		case r.Default:
			row = r
		}
	}
	return row, nil
}

// AuthTypes returns the auth types that the service offers.
func (s *Service) AuthTypes() []string {
	if s.Key == Custom {
		return slices.Clone(authTypes)
	}
	return slices.DeleteFunc(slices.Clone(authTypes), func(auth string) bool {
		return !slices.ContainsFunc(s.Rows, func(r Row) bool { return r.Auth == auth })
	})
}

// ClientTypes returns the client types that have a row of their own with some
// auth type; default rows serve the others.
func (s *Service) ClientTypes() []string {
	return slices.DeleteFunc(slices.Clone(clientTypes), func(client string) bool {
		return !slices.ContainsFunc(s.Rows, func(r Row) bool { return slices.Contains(r.Clients, client) })
	})
}

// Default returns the value of a parameter that a connection sets nowhere; ok
// says whether there is one.
func (s *Service) Default(parameter string) (value string, ok bool) {
	value, ok = s.Defaults[parameter]
	return value, ok
}

// Parameters returns the placeholders of the service that are neither
// credentials nor filled from the auth member, sorted: those of every row and
// of the resource id.
func (s *Service) Parameters() []string {
	names := map[string]bool{}
	collect := func(template string) {
		for _, name := range Placeholders(template) {
			if !Credential(name) && !Identity(name) {
				names[name] = true
			}
		}
	}
	collect(s.ResourceID)
	for _, row := range s.Rows {
		for _, setting := range row.Settings {
			collect(setting.Value)
		}
	}
	return slices.Sorted(maps.Keys(names))
}
