// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"serviceconnector.dev/pkg/connections"
	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/v1alpha1"
	"serviceconnector.dev/pkg/mutate"
)

// Objects are what a draft becomes.
type Objects struct {
	// Credentials is the Secret to be made before the connection; nil for none.
	Credentials *corev1.Secret
	// Connection or ClusterConnection is set, the other one is nil.
	Connection        *v1alpha1.Connection
	ClusterConnection *v1alpha1.ClusterConnection
	// Binding is what the connection means.
	Binding *connections.Binding
}

// Objects returns what the draft becomes. Its error is an *IncompleteError, or
// says what does not fit.
func (d *Draft) Objects(service *catalogue.Service) (*Objects, error) {
	if len(d.Name) > mutate.MaxNameLength || len(validation.IsDNS1123Label(d.Name)) > 0 {
		return nil, fmt.Errorf("%s cannot be a connection's name; write lower-case letters, digits and dashes, at most %d",
			mutate.Quote(d.Name), mutate.MaxNameLength)
	}
	needs, err := d.Needs(service)
	if err != nil {
		return nil, err
	}
	unknown := d.uselessCredentials(service)
	switch {
	case d.Spec.Auth.Type != "" && len(unknown) > 0:
		return nil, fmt.Errorf("the credentials hold %s, which %s does not read; it reads %s",
			strings.Join(unknown, ", "), service.Key, strings.Join(d.readable(service), ", "))
	case len(needs) > 0:
		return nil, &IncompleteError{Service: service.Key, Needs: needs}
	}
	result := &Objects{}
	if d.Credentials != nil {
		if result.Credentials, err = d.secret(); err != nil {
			return nil, err
		}
	}
	definition := connections.Definition{Name: d.Name, Namespace: d.Namespace, Spec: d.Spec}
	if d.Allowed != nil {
		definition.Namespace = ""
		result.ClusterConnection = d.clusterConnection()
		if _, problem := connections.Audience(*d.Allowed); problem != nil {
			return nil, problem
		}
	} else {
		result.Connection = d.connection()
	}
	if result.Binding, err = connections.Bind(definition); err != nil {
		return nil, err
	}
	return result, d.checkRender(result)
}

func (d *Draft) connection() *v1alpha1.Connection {
	return &v1alpha1.Connection{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Connection"},
		ObjectMeta: metav1.ObjectMeta{Name: d.Name, Namespace: d.Namespace},
		Spec:       *d.Spec.DeepCopy(),
	}
}

func (d *Draft) clusterConnection() *v1alpha1.ClusterConnection {
	return &v1alpha1.ClusterConnection{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ClusterConnection"},
		ObjectMeta: metav1.ObjectMeta{Name: d.Name},
		Spec:       v1alpha1.ClusterConnectionSpec{ConnectionSpec: *d.Spec.DeepCopy(), AllowedNamespaces: *d.Allowed.DeepCopy()},
	}
}

// secret returns the Secret with the credentials and has the spec name it.
func (d *Draft) secret() (*corev1.Secret, error) {
	if auth := d.Spec.Auth.Type; auth != v1alpha1.AuthSecret && auth != v1alpha1.AuthServicePrincipal {
		return nil, fmt.Errorf("auth type %s has no credentials; leave --credentials-file, --from-stdin and --secret-name out", auth)
	}
	if d.Spec.Auth.SecretRef == nil {
		d.Spec.Auth.SecretRef = &v1alpha1.SecretReference{Name: d.Name + "-credentials"}
	}
	namespace := d.Namespace
	if d.Allowed != nil {
		namespace = d.Home
	}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: d.Spec.Auth.SecretRef.Name, Namespace: namespace},
		StringData: maps.Clone(d.Credentials),
	}, nil
}

// uselessCredentials returns the names in the credentials that nothing reads: a
// misspelt name is found here instead of in a pod.
func (d *Draft) uselessCredentials(service *catalogue.Service) []string {
	readable := d.readable(service)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.Credentials)) {
		switch {
		case slices.Contains(readable, name):
		case len(catalogue.Placeholders("{"+name+"}")) == 1:
			names = append(names, name)
		default: // it could be a part of a credential
			names = append(names, "a name that is no placeholder")
		}
	}
	return names
}

// readable returns every name that settings of the draft could read, with any
// client type.
func (d *Draft) readable(service *catalogue.Service) []string {
	names, _ := d.placeholders(service) // Needs has met the error before
	names = append(names, service.Parameters()...)
	for _, row := range service.Rows {
		for _, setting := range row.Settings {
			if row.Auth == string(d.Spec.Auth.Type) {
				names = append(names, catalogue.Placeholders(setting.Value)...)
			}
		}
	}
	for _, setting := range d.Spec.Settings {
		if setting.ValueFrom != nil && d.Spec.Auth.SecretRef != nil && setting.ValueFrom.SecretKeyRef.Name == d.Spec.Auth.SecretRef.Name {
			names = append(names, setting.ValueFrom.SecretKeyRef.Key)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), catalogue.Identity)
}

// checkRender renders the settings from credentials that are at hand.
func (d *Draft) checkRender(o *Objects) error {
	if o.Credentials == nil {
		return nil
	}
	data := map[string][]byte{}
	for name, value := range d.Credentials {
		data[name] = []byte(value)
	}
	name := o.Credentials.Name
	for _, read := range o.Binding.Reads(name) {
		if read != name {
			return nil // another Secret, which only the cluster knows
		}
	}
	_, err := o.Binding.Render(connections.Sources{Credentials: name, Secrets: map[string]map[string][]byte{name: data}})
	return err
}
