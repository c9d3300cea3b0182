// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Binding is what one connection means in any namespace that uses it. It is
// never changed after Bind made it.
type Binding struct {
	// Definition is where the binding comes from.
	Definition Definition
	// Secret is the name of the Secret that holds the settings; "" for none. The
	// Secret is provisioned, or synced by the CSI driver if there is a
	// ProviderClass.
	Secret string
	// ProviderClass is the SecretProviderClass of a vault; nil for none.
	ProviderClass *ProviderClass
	// ServiceAccount is the name of the service account, "" for none.
	ServiceAccount string
	// Identity is the identity behind the service account, nil for none.
	Identity *v1alpha1.WorkloadIdentity
	// Revision identifies the content of the definition: the names and
	// templates of its settings and its parameters, never a credential.
	Revision string
	// Variables are the names of the variables that a container gets, sorted.
	Variables []string

	settings []setting
	// parameters are those of the definition and of its resource id.
	parameters map[string]string
	files      *mutate.Files
}

// setting is one setting before rendering: a template, or a key of a Secret.
type setting struct {
	Name     string                       `json:"name"`
	Template string                       `json:"template,omitempty"`
	From     *v1alpha1.SecretKeyReference `json:"from,omitempty"`
}

// Bind says what a definition means. Its error is a *Problem: what can be told
// from the definition alone.
func Bind(d Definition) (*Binding, error) {
	b := &Binding{Definition: d, Secret: SecretName(d)}
	var err error
	if b.parameters, err = parameters(d.Spec.Target); err != nil {
		return nil, err
	}
	if d.Spec.Auth.KeyVaultCSI != nil {
		err = b.bindVault(*d.Spec.Auth.KeyVaultCSI)
	} else {
		err = b.bindSettings(d.Spec)
	}
	if err != nil {
		return nil, err
	}
	if b.Identity != nil {
		b.ServiceAccount = ServiceAccountName(b.Identity.ClientID)
	}
	slices.Sort(b.Variables)
	b.Revision = b.revision()
	return b, nil
}

// bindSettings binds a connection whose settings are rendered into a Secret.
func (b *Binding) bindSettings(spec v1alpha1.ConnectionSpec) (err error) {
	if b.settings, err = resolveSettings(b.Definition); err != nil {
		return err
	}
	if err := b.checkParameters(); err != nil {
		return err
	}
	b.Identity = spec.Auth.WorkloadIdentity
	if spec.Inject == v1alpha1.InjectFiles || spec.Inject == v1alpha1.InjectBoth {
		b.files = &mutate.Files{Secret: b.Secret}
	}
	if spec.Inject != v1alpha1.InjectFiles {
		b.Variables = settingNames(b.settings)
	}
	return nil
}

// SettingsIn names the object that holds the binding's settings in a namespace:
// the SecretProviderClass of a vault, else the Secret.
func (b *Binding) SettingsIn(namespace string) Object {
	if b.ProviderClass != nil {
		return Object{Kind: KindProviderClass, Namespace: namespace, Name: b.ProviderClass.Name}
	}
	return Object{Kind: KindSecret, Namespace: namespace, Name: b.Secret}
}

// Deletes reports whether what was made goes when it is no longer needed.
func (b *Binding) Deletes() bool {
	return b.Definition.Spec.DeletionPolicy == v1alpha1.DeletionDelete
}

// Federates reports whether its identity is trusted by a federated credential that
// Service Connector makes: not for a connection that a namespace defines for itself,
// to which nobody's rights in Azure are lent.
func (b *Binding) Federates() bool {
	return b.Identity != nil && (b.Definition.Namespace == "" || b.Definition.Imported)
}

// Needs reports whether an object is one that the binding needs in its namespace.
func (b *Binding) Needs(object Object) bool {
	return object == b.SettingsIn(object.Namespace) || object.Kind == KindServiceAccount && object.Name == b.ServiceAccount
}

// Injection returns what the binding adds to a pod.
func (b *Binding) Injection() mutate.Injection {
	injection := mutate.Injection{
		Connection:       b.Definition.Name,
		Revision:         b.Revision,
		Files:            b.files,
		ServiceAccount:   b.ServiceAccount,
		WorkloadIdentity: b.Identity != nil,
	}
	if len(b.Variables) > 0 {
		injection.Secret = b.Secret
	}
	return injection
}

func (b *Binding) revision() string {
	content, err := json.Marshal(struct {
		Owner, Type   string
		Settings      []setting
		Parameters    map[string]string
		Auth          v1alpha1.Auth
		Files         *mutate.Files
		ProviderClass *ProviderClass
	}{b.Definition.Owner(), b.Type(), b.settings, b.parameters, b.Definition.Spec.Auth, b.files, b.ProviderClass})
	if err != nil {
		panic(err) // strings and maps of strings always encode
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}
