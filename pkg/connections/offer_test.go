// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"testing"

	"serviceconnector.dev/pkg/connections/v1alpha1"
)

// A definition that no API server has checked cannot end the process: a setting
// with neither a value nor a source, an auth type without its member.
func TestMakeOfferOfAnything(t *testing.T) {
	odd := []func(*v1alpha1.ConnectionSpec){
		func(s *v1alpha1.ConnectionSpec) { *s = v1alpha1.ConnectionSpec{} },
		func(s *v1alpha1.ConnectionSpec) { s.Settings = []v1alpha1.Setting{{Name: "A"}} },
		func(s *v1alpha1.ConnectionSpec) { s.Auth = v1alpha1.Auth{Type: v1alpha1.AuthWorkloadIdentity} },
		func(s *v1alpha1.ConnectionSpec) { s.Auth = v1alpha1.Auth{Type: v1alpha1.AuthKeyVaultCSI} },
	}
	for i, change := range odd {
		d := postgres()
		change(&d.Spec)
		if offer := MakeOffer(d, 1, v1alpha1.ConnectionStatus{}); (offer.Binding == nil) == (offer.Problem == nil) {
			t.Errorf("%d: %+v", i, offer)
		}
	}
}
