// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient takes what the API server takes: with k8s.io/apimachinery's decoder a
// name that is there twice, or bytes that are no UTF-8, are no error.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// deterministic sorts the keys of maps.
var deterministic = json.Deterministic(true)

// Encode writes JSON: the same bytes for the same value, each time.
func Encode(value any) ([]byte, error) {
	raw, err := json.Marshal(value, deterministic)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return raw, nil
}

// Decode reads JSON as the API server reads it, names by their exact case. Its
// error says where something is wrong, and nothing of what stands there.
func Decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into, lenient)
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return fmt.Errorf("the value at %s has another type", Cut(string(semantic.JSONPointer)))
	}
	return errors.New("it is no JSON, or of another type")
}
