// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Patch is a JSON Patch (RFC 6902).
type Patch []Operation

// Operation is one step of a Patch: an addition or, for what we copied
// ourselves, a removal. There are no others.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Encode returns the patch as JSON, nil for a patch without operations.
func (p Patch) Encode() ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding the patch: %w", err)
	}
	return raw, nil
}

func add(path string, value any) Operation {
	return Operation{Op: "add", Path: path, Value: value}
}

func remove(path string) Operation {
	return Operation{Op: "remove", Path: path}
}

// setKey adds one key to the map at path, which is what exists holds now. A
// map that is not there, or null, has to be added whole; one that is there
// must not, since that would drop its other keys.
func setKey(path string, exists map[string]string, key, value string) Operation {
	if len(exists) == 0 {
		return add(path, map[string]string{key: value})
	}
	return add(path+"/"+escape(key), value)
}

// prepend adds values in front of the list at path, which has n entries. A list
// that is not there, or null, is added whole.
func prepend[T any](path string, n int, values []T) Patch {
	if n == 0 {
		return Patch{add(path, values)}
	}
	patch := make(Patch, 0, len(values))
	for i, value := range values {
		patch = append(patch, add(path+"/"+strconv.Itoa(i), value))
	}
	return patch
}

// push adds a value behind the list at path, which has n entries.
func push[T any](path string, n int, value T) Operation {
	if n == 0 {
		return add(path, []T{value})
	}
	return add(path+"/-", value)
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// escape writes a key as a reference token of a JSON Pointer (RFC 6901).
func escape(key string) string { return pointerEscaper.Replace(key) }
