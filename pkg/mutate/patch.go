// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Patch is a JSON Patch (RFC 6902).
type Patch []Operation

// Operation is one step of a Patch: an addition or, for what we copied
// ourselves, a removal. There are no others.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitzero"`
}

// Encode returns the patch as JSON, nil for a patch without operations.
func (p Patch) Encode() ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	out := make([]byte, 0, 128*len(p))
	for i, operation := range p {
		out = append(out, "[,"[min(i, 1)])
		var err error
		if out, err = operation.append(out); err != nil {
			return nil, fmt.Errorf("encoding the patch: %w", err)
		}
	}
	return append(out, ']'), nil
}

// append writes an operation behind out: by hand, since the values behind an
// interface would be copied one by one to be encoded. What most pods get is written
// without reflection, too.
func (o Operation) append(out []byte) ([]byte, error) {
	out = append(out, `{"op":"`...)
	out = append(out, o.Op...)
	out = append(out, `","path":`...)
	out, err := jsontext.AppendQuote(out, o.Path)
	if err != nil || o.Value == nil {
		return append(out, '}'), err
	}
	out = append(out, `,"value":`...)
	switch value := o.Value.(type) {
	case *string:
		out, err = jsontext.AppendQuote(out, *value)
	case *envFromSource:
		out, err = value.append(out)
	case *[]envFromSource:
		out, err = appendList(out, *value, envFromSource.append)
	default:
		var raw []byte
		raw, err = Encode(value)
		out = append(out, raw...)
	}
	return append(out, '}'), err
}

// append writes a source behind out.
func (s envFromSource) append(out []byte) (_ []byte, err error) {
	out = append(out, '{')
	if s.Prefix != "" {
		out = append(out, `"prefix":`...)
		if out, err = jsontext.AppendQuote(out, s.Prefix); err != nil {
			return out, err
		}
		out = append(out, ',')
	}
	out = append(out, `"secretRef":{"name":`...)
	out, err = jsontext.AppendQuote(out, s.SecretRef.Name)
	return append(out, "}}"...), err
}

func appendList[T any](out []byte, list []T, item func(T, []byte) ([]byte, error)) (_ []byte, err error) {
	out = append(out, '[')
	for i, value := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = item(value, out); err != nil {
			return out, err
		}
	}
	return append(out, ']'), nil
}

// add points to its value, which is encoded where it lies.
func add[T any](path string, value T) Operation {
	return Operation{Op: "add", Path: path, Value: &value}
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

// prepend adds to the patch what puts values in front of the list at path, which
// has n entries. A list that is not there, or null, is added whole.
func prepend[T any](patch Patch, path string, n int, values []T) Patch {
	if n == 0 {
		return append(patch, add(path, values))
	}
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
