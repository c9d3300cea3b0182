// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package samples

import (
	"bytes"
	_ "embed" // for the template
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"text/template"

	"serviceconnector.dev/pkg/connections/catalogue"
)

// keyVaultCSI is an auth type without rows in the catalogue: what is taken out
// of the vault stands in the connection.
const keyVaultCSI = "KeyVaultCSI"

//go:embed sample.yaml.tmpl
var text string

var manifest = template.Must(template.New("sample").Funcs(template.FuncMap{
	"scalar":  scalar,
	"example": catalogue.Example,
}).Parse(text))

// sample is what the template is filled from.
type sample struct {
	Name, Auth              string
	Parameters, Credentials map[string]string
	Settings                []catalogue.Setting
}

// AuthTypes returns the auth types of a service that have a sample.
func AuthTypes(s *catalogue.Service) []string {
	if s.Key == "keyvault" {
		return append(s.AuthTypes(), keyVaultCSI)
	}
	return s.AuthTypes()
}

// CredentialsName returns the name of the Secret in a sample.
func CredentialsName(s *catalogue.Service) string {
	return s.Key + "-credentials"
}

// For returns the sample for a service and an auth type, as YAML documents. Its
// error is a *catalogue.UnsupportedAuthError.
func For(s *catalogue.Service, auth string) ([]byte, error) {
	if offered := AuthTypes(s); !slices.Contains(offered, auth) {
		return nil, &catalogue.UnsupportedAuthError{Service: s.Key, Auth: auth, Offered: offered}
	}
	data := sample{Name: s.Key, Auth: auth, Parameters: map[string]string{}, Credentials: map[string]string{}}
	if s.Key == catalogue.Custom {
		data.Settings = customSettings[auth]
	}
	for _, name := range placeholders(s, auth, data.Settings) {
		_, defaulted := s.Default(name)
		switch {
		case catalogue.Credential(name):
			data.Credentials[name] = catalogue.Example(name)
		case !catalogue.Identity(name) && !defaulted:
			data.Parameters[name] = catalogue.Example(name)
		}
	}
	var out bytes.Buffer
	if err := manifest.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("writing the sample for %s with %s: %w", s.Key, auth, err)
	}
	return out.Bytes(), nil
}

// placeholders returns those of all client types with an auth type.
func placeholders(s *catalogue.Service, auth string, settings []catalogue.Setting) []string {
	if auth == keyVaultCSI {
		return []string{"vault"}
	}
	for _, row := range s.Rows {
		if row.Auth == auth {
			settings = slices.Concat(settings, row.Settings)
		}
	}
	var names []string
	for _, setting := range settings {
		names = append(names, catalogue.Placeholders(setting.Value)...)
	}
	return names
}

// customSettings are examples of what a connection to a custom service lists.
var customSettings = map[string][]catalogue.Setting{
	"Secret": {
		{Name: "BROKER_URL", Value: "mqtts://{user|url}:{password|url}@{host}:8883"},
	},
	"ServicePrincipal": {
		{Name: "INVENTORY_URL", Value: "https://{host}/"},
		{Name: "INVENTORY_CLIENTID", Value: "{client_id}"},
		{Name: "INVENTORY_CLIENTSECRET", Value: "{client_secret}"},
		{Name: "INVENTORY_TENANTID", Value: "{tenant_id}"},
	},
	"WorkloadIdentity": {
		{Name: "INVENTORY_URL", Value: "https://{host}/"},
		{Name: "INVENTORY_CLIENTID", Value: "{client_id}"},
	},
}

var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// scalar returns a string as a YAML scalar, quoted where a reader could take it
// for something else.
func scalar(value string) string {
	switch value {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		return strconv.Quote(value)
	}
	if plain.MatchString(value) {
		return value
	}
	return strconv.Quote(value)
}
