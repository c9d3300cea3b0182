// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// Draft is what is known of a connection that is being written.
type Draft struct {
	// Name is the connection's name.
	Name string
	// Namespace is that of a Connection; a ClusterConnection has none.
	Namespace string
	// Allowed makes it a ClusterConnection and says whom it serves.
	Allowed *v1alpha1.AllowedNamespaces
	// Home is the product's own namespace, where the credentials of a
	// ClusterConnection are.
	Home string
	// Spec is the connection's spec as far as it is known.
	Spec v1alpha1.ConnectionSpec
	// Credentials are the values for a new Secret, by placeholder; nil for none.
	Credentials map[string]string
}

// Kind says what a need is for.
type Kind string

// The kinds of needs.
const (
	// NeedAuth: the way to authenticate has to be chosen.
	NeedAuth Kind = "auth"
	// NeedParameter: a parameter of the target.
	NeedParameter Kind = "parameter"
	// NeedIdentity: client_id or tenant_id of the auth member.
	NeedIdentity Kind = "identity"
	// NeedCredential: a value that only a Secret may hold.
	NeedCredential Kind = "credential"
)

// Need is something that a draft lacks.
type Need struct {
	Kind Kind
	// Name is the placeholder's name, or "auth".
	Name string
	// Description says what it is, Example what it could look like.
	Description, Example string
	// Choices are the possible values, where there are few.
	Choices []string
}

// Settle chooses the way to authenticate where only one fits what the draft
// says already.
func (d *Draft) Settle(service *catalogue.Service) {
	auth := &d.Spec.Auth
	offered := samples.AuthTypes(service)
	switch {
	case auth.Type != "":
	case len(offered) == 1:
		auth.Type = v1alpha1.AuthType(offered[0])
	case (auth.SecretRef != nil || d.Credentials != nil) && d.identity() == (v1alpha1.WorkloadIdentity{}):
		auth.Type = v1alpha1.AuthSecret
	case d.Credentials["client_secret"] != "":
		auth.Type = v1alpha1.AuthServicePrincipal
	}
	d.place()
}

// SetIdentity records the ids of an identity or a service principal. "" leaves
// the one there is.
func (d *Draft) SetIdentity(clientID, tenantID string) {
	w := d.identity()
	if clientID != "" {
		w.ClientID = v1alpha1.UUID(clientID)
	}
	if tenantID != "" {
		w.TenantID = v1alpha1.UUID(tenantID)
	}
	if w == (v1alpha1.WorkloadIdentity{}) {
		return
	}
	d.Spec.Auth.WorkloadIdentity = &w
	d.place()
}

// identity returns the ids, wherever they are.
func (d *Draft) identity() v1alpha1.WorkloadIdentity {
	switch auth := d.Spec.Auth; {
	case auth.WorkloadIdentity != nil:
		return *auth.WorkloadIdentity
	case auth.ServicePrincipal != nil:
		return v1alpha1.WorkloadIdentity(*auth.ServicePrincipal)
	case auth.KeyVaultCSI != nil:
		return v1alpha1.WorkloadIdentity{ClientID: auth.KeyVaultCSI.ClientID, TenantID: auth.KeyVaultCSI.TenantID}
	}
	return v1alpha1.WorkloadIdentity{}
}

// place puts the ids into the member that the auth type reads.
func (d *Draft) place() {
	auth, ids := &d.Spec.Auth, d.identity()
	switch auth.Type {
	case v1alpha1.AuthWorkloadIdentity:
		auth.WorkloadIdentity, auth.ServicePrincipal = &ids, nil
	case v1alpha1.AuthServicePrincipal:
		principal := v1alpha1.ServicePrincipal(ids)
		auth.ServicePrincipal, auth.WorkloadIdentity = &principal, nil
	case v1alpha1.AuthKeyVaultCSI:
		if auth.KeyVaultCSI == nil {
			auth.KeyVaultCSI = &v1alpha1.KeyVaultCSI{}
		}
		auth.KeyVaultCSI.ClientID, auth.KeyVaultCSI.TenantID = ids.ClientID, ids.TenantID
		auth.WorkloadIdentity, auth.ServicePrincipal = nil, nil
	}
}

// Needs returns what the draft lacks, in the order in which to ask. Its error
// says that the service, the auth type or the client type is not there.
func (d *Draft) Needs(service *catalogue.Service) ([]Need, error) {
	auth := string(d.Spec.Auth.Type)
	offered := samples.AuthTypes(service)
	if auth == "" {
		return []Need{{Kind: NeedAuth, Name: "auth", Description: "how the application authenticates", Choices: offered}}, nil
	}
	if !slices.Contains(offered, auth) {
		return nil, &catalogue.UnsupportedAuthError{Service: service.Key, Auth: auth, Offered: offered}
	}
	names, err := d.placeholders(service)
	if err != nil {
		return nil, err
	}
	var needs []Need
	for _, name := range names {
		if kind, missing := d.missing(service, name); missing {
			needs = append(needs, Need{Kind: kind, Name: name, Description: catalogue.Description(name), Example: catalogue.Example(name)})
		}
	}
	slices.SortStableFunc(needs, func(a, b Need) int { return rank(a.Kind) - rank(b.Kind) })
	return needs, nil
}

func rank(kind Kind) int {
	return slices.Index([]Kind{NeedAuth, NeedParameter, NeedIdentity, NeedCredential}, kind)
}

// placeholders returns what the settings of the draft are made from.
func (d *Draft) placeholders(service *catalogue.Service) ([]string, error) {
	if d.Spec.Auth.Type == v1alpha1.AuthKeyVaultCSI {
		return []string{"vault", "tenant_id"}, nil
	}
	settings, err := service.Settings(string(d.Spec.Auth.Type), d.Spec.Client)
	if err != nil {
		return nil, err
	}
	var templates []string
	for _, setting := range settings {
		templates = append(templates, setting.Value)
	}
	for _, setting := range d.Spec.Settings {
		if setting.Value != nil {
			templates = append(templates, *setting.Value)
		}
	}
	var names []string
	for _, template := range templates {
		names = append(names, catalogue.Placeholders(template)...)
	}
	switch d.Spec.Auth.Type {
	case v1alpha1.AuthWorkloadIdentity:
		names = append(names, "client_id")
	case v1alpha1.AuthServicePrincipal:
		names = append(names, "client_id", "tenant_id", "client_secret")
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// missing reports whether a placeholder has no value yet, and what it is.
func (d *Draft) missing(service *catalogue.Service, name string) (Kind, bool) {
	if _, ok := service.Default(name); ok {
		return "", false
	}
	ids := d.identity()
	switch {
	case name == "client_id" && d.Spec.Auth.Type != v1alpha1.AuthSecret:
		return NeedIdentity, ids.ClientID == ""
	case name == "tenant_id" && d.Spec.Auth.Type != v1alpha1.AuthSecret:
		return NeedIdentity, ids.TenantID == ""
	case d.Credentials[name] != "":
		return "", false
	case catalogue.Credential(name):
		return NeedCredential, d.Spec.Auth.SecretRef == nil && d.Spec.Auth.ProvisionedServiceRef == nil
	}
	if _, ok := d.Spec.Target.Parameters[name]; ok {
		return "", false
	}
	// A Secret that is there already may hold any parameter, too.
	if d.Spec.Auth.SecretRef != nil && d.Credentials == nil {
		return "", false
	}
	held, err := catalogue.ParseResourceID(service.Key, d.Spec.Target.ResourceID)
	_, ok := held[name]
	return NeedParameter, err != nil || !ok
}

// Meet puts the answer to a need into the draft.
func (d *Draft) Meet(need Need, value string) {
	switch need.Kind {
	case NeedAuth:
		d.Spec.Auth.Type = v1alpha1.AuthType(value)
		d.place()
	case NeedIdentity:
		if need.Name == "client_id" {
			d.SetIdentity(value, "")
		} else {
			d.SetIdentity("", value)
		}
	case NeedCredential:
		d.Credentials = with(d.Credentials, need.Name, value)
	case NeedParameter:
		d.Spec.Target.Parameters = with(d.Spec.Target.Parameters, need.Name, v1alpha1.Parameter(value))
	}
}

func with[V any](values map[string]V, name string, value V) map[string]V {
	changed := maps.Clone(values)
	if changed == nil {
		changed = map[string]V{}
	}
	changed[name] = value
	return changed
}

// IncompleteError says what a draft lacks.
type IncompleteError struct {
	Service string
	Needs   []Need
}

// Error implements error.
func (e *IncompleteError) Error() string {
	if e.Needs[0].Kind == NeedAuth {
		return fmt.Sprintf("%s offers several ways to authenticate; choose one with --auth: %s", e.Service, strings.Join(e.Needs[0].Choices, ", "))
	}
	var names, flags, credentials []string
	for _, need := range e.Needs {
		names = append(names, need.Name)
		switch need.Kind {
		case NeedCredential:
			credentials = append(credentials, need.Name)
		case NeedIdentity:
			flags = append(flags, "--"+strings.ReplaceAll(need.Name, "_", "-")+"=…")
		default:
			flags = append(flags, "--set "+need.Name+"=…")
		}
	}
	message := fmt.Sprintf("%s needs %s", e.Service, strings.Join(names, ", "))
	if len(flags) > 0 {
		message += "; add " + strings.Join(flags, " ")
	}
	if len(credentials) > 0 {
		message += fmt.Sprintf("; credentials (%s) come from --secret-name, --credentials-file or --from-stdin", strings.Join(credentials, ", "))
	}
	return message
}
