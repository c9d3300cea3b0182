// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"serviceconnector.dev/pkg/connections/catalogue"
	"serviceconnector.dev/pkg/connections/catalogue/samples"
	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// fewestSamples is how many samples there are at least; fewer means that
// something got lost.
const fewestSamples = 80

// The sample of every service and every way to authenticate can be applied as it
// is, and gives a pod what the catalogue says.
func TestEverySample(t *testing.T) {
	count := 0
	for _, service := range catalogue.Services() {
		for _, auth := range samples.AuthTypes(service) {
			count++
			t.Run(service.Key+"/"+auth, func(t *testing.T) {
				t.Parallel()
				s := newNamespace(t)
				if auth == string(v1alpha1.AuthKeyVaultCSI) {
					s.installDriver()
				}
				s.applySample(service, auth)
				s.wantReady(service.Key, v1alpha1.ReasonReady)
				s.checkSample(service, auth)
			})
		}
	}
	if count < fewestSamples {
		t.Errorf("%d samples, want at least %d", count, fewestSamples)
	}
}

func (s *shop) applySample(service *catalogue.Service, auth string) {
	s.t.Helper()
	raw, err := samples.For(service, auth)
	if err != nil {
		s.t.Fatal(err)
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := documents.Decode(&object.Object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			s.t.Fatal(err)
		}
		object.SetNamespace(s.name)
		if err := objects.Create(s.t.Context(), object); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) checkSample(service *catalogue.Service, auth string) {
	s.t.Helper()
	pod := s.mustCreate(annotated(service.Key))
	identity := auth == string(v1alpha1.AuthWorkloadIdentity) || auth == string(v1alpha1.AuthKeyVaultCSI)
	if got := pod.Labels[v1alpha1.LabelWorkloadIdentity] == "true" && pod.Spec.ServiceAccountName != "default"; got != identity {
		s.t.Errorf("identity %v, want %v: labels %v, service account %q", got, identity, pod.Labels, pod.Spec.ServiceAccountName)
	}
	if auth == string(v1alpha1.AuthKeyVaultCSI) {
		if mounts(pod.Spec.Containers[0]) == "" {
			s.t.Error("nothing is mounted")
		}
		return
	}
	s.wantSources(pod.Spec.Containers[0], "sc-"+service.Key+"-secret")
	if service.Key == catalogue.Custom {
		return // its settings are the sample's own
	}
	secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), "sc-"+service.Key+"-secret", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	settings, err := service.Settings(auth, "none")
	if err != nil {
		s.t.Fatal(err)
	}
	var want []string
	for _, setting := range settings {
		want = append(want, setting.Name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(secret.Data))); diff != "" {
		s.t.Errorf("keys of the Secret (-want +got):\n%s", diff)
	}
	for _, setting := range settings {
		want, err := catalogue.Render(setting.Value, s.exampleValue(service, auth))
		if err != nil {
			s.t.Fatal(err)
		}
		if got := string(secret.Data[setting.Name]); got != want || got == "" {
			s.t.Errorf("setting %s is %q, want %q", setting.Name, got, want)
		}
	}
}

// exampleValue returns the values that the sample was written with.
func (s *shop) exampleValue(service *catalogue.Service, auth string) func(string) (string, bool) {
	s.t.Helper()
	var c v1alpha1.Connection
	if err := objects.Get(s.t.Context(), key(s.name, service.Key), &c); err != nil {
		s.t.Fatal(err)
	}
	credentials := map[string][]byte{}
	if ref := c.Spec.Auth.SecretRef; ref != nil {
		secret, err := clients.CoreV1().Secrets(s.name).Get(s.t.Context(), ref.Name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		credentials = secret.Data
	}
	return func(name string) (string, bool) {
		switch {
		case name == "client_id" && auth == string(v1alpha1.AuthWorkloadIdentity):
			return string(c.Spec.Auth.WorkloadIdentity.ClientID), true
		case name == "tenant_id" && auth == string(v1alpha1.AuthWorkloadIdentity):
			return string(c.Spec.Auth.WorkloadIdentity.TenantID), true
		case name == "client_id" && auth == string(v1alpha1.AuthServicePrincipal):
			return string(c.Spec.Auth.ServicePrincipal.ClientID), true
		case name == "tenant_id" && auth == string(v1alpha1.AuthServicePrincipal):
			return string(c.Spec.Auth.ServicePrincipal.TenantID), true
		}
		if value, ok := c.Spec.Target.Parameters[name]; ok {
			return string(value), true
		}
		if value, ok := credentials[name]; ok {
			return string(value), true
		}
		return service.Default(name)
	}
}
