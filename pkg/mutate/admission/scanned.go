// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"

	"serviceconnector.dev/pkg/mutate/internal/scan"
)

// scanReview reads a review as mutate.Decode does, in a fraction of the time, with
// the object as a part of the body. It reports false for what it leaves to Decode.
// See package scan.
func scanReview(body []byte) (reviewed, bool) {
	var review reviewed
	s := scan.New(body)
	s.Object(func(name []byte) {
		switch string(name) {
		case "apiVersion":
			review.APIVersion = s.String()
		case "kind":
			review.Kind = s.String()
		case "request":
			review.Request = &Request{}
			scanRequest(&s, review.Request)
		default:
			s.Skip()
		}
	})
	return review, s.Done()
}

func scanRequest(s *scan.Scanner, into *Request) {
	s.Object(func(name []byte) {
		switch string(name) {
		case "uid":
			into.UID = types.UID(s.String())
		case "kind":
			s.Object(func(name []byte) {
				switch string(name) {
				case "group":
					into.Kind.Group = s.String()
				case "version":
					into.Kind.Version = s.String()
				case "kind":
					into.Kind.Kind = s.String()
				default:
					s.Skip()
				}
			})
		case "namespace":
			into.Namespace = s.String()
		case "name":
			into.Name = s.String()
		case "operation":
			into.Operation = admissionv1.Operation(s.String())
		case "dryRun":
			into.DryRun = s.Bool()
		case "object":
			into.Object = s.Raw()
		default:
			s.Skip()
		}
	})
}
