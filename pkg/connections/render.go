// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

const (
	// maxSecretSize is what a Secret's data may hold. Source: k8s.io/api core/v1
	// MaxSecretSize.
	maxSecretSize = 1 << 20
	// maxValueSize is what one variable may hold, its name included. Source:
	// Linux, MAX_ARG_STRLEN.
	maxValueSize = 128<<10 - 2
)

// Sources are what a binding refers to.
type Sources struct {
	// Credentials names the Secret with the credentials; "" for none.
	Credentials string
	// Secrets holds the data of Secrets, by name. One that does not exist is
	// absent.
	Secrets map[string]map[string][]byte
}

// Reads returns the names of the Secrets that Render needs, sorted, where
// credentials names the one with the credentials, "" for none.
func (b *Binding) Reads(credentials string) []string {
	var names []string
	if credentials != "" {
		names = append(names, credentials)
	}
	for _, s := range b.settings {
		if s.From != nil {
			names = append(names, s.From.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Refers reports whether the binding refers to anything that can change without
// its definition.
func (b *Binding) Refers() bool {
	auth := b.Definition.Spec.Auth
	return auth.SecretRef != nil || auth.ProvisionedServiceRef != nil || b.ProviderClass != nil || len(b.Reads("")) > 0
}

// Render returns the data of the binding's Secret. Its error is a *Problem.
func (b *Binding) Render(sources Sources) (map[string][]byte, error) {
	for _, name := range b.Reads(sources.Credentials) {
		if _, ok := sources.Secrets[name]; !ok {
			return nil, problem(v1alpha1.ReasonCredentialsNotFound, "Secret %q with the credentials does not exist in %s; create it",
				name, b.SourceNamespace())
		}
	}
	data := make(map[string][]byte, len(b.settings))
	for _, s := range b.settings {
		value, err := b.value(s, sources)
		if err != nil {
			return nil, err
		}
		data[s.Name] = value
	}
	if b.files != nil {
		b.describe(data)
	}
	return data, b.checkSize(data)
}

// Plain returns the settings that need no Secret, by name.
func (b *Binding) Plain() map[string]string {
	plain := map[string]string{}
	for _, s := range b.settings {
		if s.From != nil {
			continue
		}
		if value, err := b.value(s, Sources{}); err == nil {
			plain[s.Name] = string(value)
		}
	}
	return plain
}

func (b *Binding) checkSize(data map[string][]byte) error {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(data)) {
		size += len(data[name])
		if len(b.Variables) > 0 && len(name)+len(data[name]) > maxValueSize {
			return problem(v1alpha1.ReasonSecretTooLarge, "setting %s is %d bytes long; a variable can have %d",
				name, len(data[name]), maxValueSize-len(name))
		}
	}
	if size > maxSecretSize {
		return problem(v1alpha1.ReasonSecretTooLarge, "the settings have %d bytes together; a Secret can have %d", size, maxSecretSize)
	}
	return nil
}

func (b *Binding) value(s setting, sources Sources) ([]byte, error) {
	if s.From != nil {
		value := sources.Secrets[s.From.Name][s.From.Key]
		if len(value) == 0 {
			return nil, b.incomplete(s.From.Name, s.From.Key)
		}
		return value, nil
	}
	text, err := catalogue.Render(s.Template, func(name string) (string, bool) { return b.placeholder(name, sources) })
	var unknown *catalogue.MissingError
	if errors.As(err, &unknown) {
		return nil, b.missing(unknown.Placeholders[0], sources.Credentials)
	}
	return []byte(text), err
}

// placeholder returns the value of a placeholder: what the definition says,
// else what the credentials hold, else the service's default.
func (b *Binding) placeholder(name string, sources Sources) (string, bool) {
	if value, ok := b.specValue(name); ok {
		return value, true
	}
	if value := sources.Secrets[sources.Credentials][name]; len(value) > 0 {
		return string(value), true
	}
	if service, ok := catalogue.Lookup(b.Definition.Spec.Target.Service); ok {
		return service.Default(name)
	}
	return "", false
}

func (b *Binding) missing(name, credentials string) *Problem {
	switch {
	case credentials == "":
		return missing(b.Definition.Spec, name)
	case catalogue.Credential(name):
		return b.incomplete(credentials, name)
	}
	return problem(v1alpha1.ReasonMissingParameter, "the settings need %s; set spec.target.parameters.%s, or add the key to Secret %q in %s",
		name, name, credentials, b.SourceNamespace())
}

func (b *Binding) incomplete(secret, key string) *Problem {
	return problem(v1alpha1.ReasonCredentialsIncomplete, "Secret %q in %s has no key %q, or an empty one; add it",
		secret, b.SourceNamespace(), strings.ToValidUTF8(key, "?"))
}

// SourceNamespace says for a message where the binding's credentials are.
func (b *Binding) SourceNamespace() string {
	if b.Definition.Namespace == "" {
		return "the namespace of Service Connector"
	}
	return "namespace \"" + b.Definition.Namespace + "\""
}
