// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"serviceconnector.dev/pkg/mutate"
)

// render writes the document with a patch applied. The result is checked: it
// must mean what the patch makes of the document's JSON.
func (d document) render(patch mutate.Patch) (string, error) {
	if len(patch) == 0 {
		return d.raw, nil
	}
	body := strings.ReplaceAll(d.body, "\r\n", "\n")
	original, err := yaml.YAMLToJSON([]byte(body))
	if err != nil {
		return "", err
	}
	want, err := applyJSON(original, patch)
	if err != nil {
		return "", err
	}
	base, theirs, err := encodings(body, patch)
	if err != nil {
		return "", err
	}
	text, ok := merge(body, base, theirs)
	if !ok || !means(text, want) {
		text = theirs
	}
	if !means(text, want) {
		return "", errors.New("the patched document does not mean what it should; please report it with the document")
	}
	text = d.separator + text
	if body != d.body {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	return text, nil
}

// encodings writes a document twice in the same way: as it is, and patched.
func encodings(body string, patch mutate.Patch) (base, patched string, err error) {
	root, err := parse(body)
	if err != nil {
		return "", "", err
	}
	encode := layoutOf(root).encode
	if json.Valid([]byte(body)) {
		encode = encodeJSON
	}
	if base, err = encode(root); err != nil {
		return "", "", err
	}
	if hasAlias(root) { // a change of the one would change the other
		if err := kyaml.NewRNode(root).DeAnchor(); err != nil {
			return "", "", fmt.Errorf("resolving aliases: %w", err)
		}
	}
	if err := applyPatch(root, patch); err != nil {
		return "", "", err
	}
	patched, err = encode(root)
	return base, patched, err
}

func hasAlias(node *kyaml.Node) bool {
	if node.Kind == kyaml.AliasNode {
		return true
	}
	for _, child := range node.Content {
		if hasAlias(child) {
			return true
		}
	}
	return false
}

// applyJSON applies a patch as the API server does.
func applyJSON(raw []byte, patch mutate.Patch) ([]byte, error) {
	encoded, err := patch.Encode()
	if err != nil || encoded == nil {
		return raw, err
	}
	decoded, err := jsonpatch.DecodePatch(encoded)
	if err != nil {
		return nil, fmt.Errorf("reading the patch: %w", err)
	}
	return decoded.Apply(raw)
}

// means reports whether Kubernetes reads a text as this JSON.
func means(text string, want []byte) bool {
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return false
	}
	var a, b any
	return json.Unmarshal(raw, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}
