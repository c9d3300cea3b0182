// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"serviceconnector.dev/pkg/mutate"
)

// applyPatch applies a patch to a tree. Only additions and removals are known,
// as mutate makes them. The tree must not hold aliases: a change of what they
// stand for would change more than is meant.
func applyPatch(root *yaml.Node, patch mutate.Patch) error {
	for _, operation := range patch {
		if err := applyOperation(root, operation); err != nil {
			return fmt.Errorf("%s %s: %w", operation.Op, operation.Path, err)
		}
	}
	return nil
}

func applyOperation(root *yaml.Node, operation mutate.Operation) error {
	tokens := strings.Split(operation.Path, "/")
	if len(tokens) < 2 || tokens[0] != "" {
		return errors.New("not a path below the root")
	}
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	parent := root
	for _, token := range tokens[1 : len(tokens)-1] {
		i, err := locate(parent, unescape(token))
		if err != nil {
			return err
		}
		parent = parent.Content[i]
	}
	last := unescape(tokens[len(tokens)-1])
	switch operation.Op {
	case "add":
		value, err := nodeOf(operation.Value)
		if err != nil {
			return err
		}
		return insert(parent, last, value)
	case "remove":
		return remove(parent, last)
	}
	return errors.New("unknown operation")
}

var unescaper = strings.NewReplacer("~1", "/", "~0", "~")

// unescape reads a reference token of a JSON Pointer (RFC 6901).
func unescape(token string) string { return unescaper.Replace(token) }

// keyIndex returns where a mapping has a key, or -1.
func keyIndex(mapping *yaml.Node, key string) int {
	if mapping.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// locate returns the index into parent's Content of what a token names.
func locate(parent *yaml.Node, token string) (int, error) {
	switch parent.Kind {
	case yaml.MappingNode:
		if i := keyIndex(parent, token); i >= 0 {
			return i + 1, nil
		}
		return 0, fmt.Errorf("there is no %q", token)
	case yaml.SequenceNode:
		return position(token, len(parent.Content)-1)
	}
	return 0, fmt.Errorf("%q lies in neither a map nor a list", token)
}

// position reads an index of a list that is at most last. Source: RFC 6901,
// section 4: no sign, no leading zero.
func position(token string, last int) (int, error) {
	i, err := strconv.ParseUint(token, 10, 31)
	switch {
	case err != nil || token != strconv.FormatUint(i, 10):
		return 0, fmt.Errorf("%q is no index", token)
	case int(i) > last:
		return 0, fmt.Errorf("index %d is beyond the list's end", i)
	}
	return int(i), nil
}

func insert(parent *yaml.Node, token string, value *yaml.Node) error {
	switch parent.Kind {
	case yaml.MappingNode:
		if i := keyIndex(parent, token); i >= 0 {
			old := parent.Content[i+1]
			value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
			parent.Content[i+1] = value
			return nil
		}
		parent.Content = append(parent.Content, scalar(token), value)
		return nil
	case yaml.SequenceNode:
		i := len(parent.Content)
		if token != "-" {
			var err error
			if i, err = position(token, i); err != nil {
				return err
			}
		}
		parent.Content = slices.Insert(parent.Content, i, value)
		return nil
	}
	return fmt.Errorf("%q lies in neither a map nor a list", token)
}

func remove(parent *yaml.Node, token string) error {
	i, err := locate(parent, token)
	if err != nil {
		return err
	}
	if parent.Kind == yaml.MappingNode {
		parent.Content = slices.Delete(parent.Content, i-1, i+1)
		return nil
	}
	parent.Content = slices.Delete(parent.Content, i, i+1)
	return nil
}

// nodeOf turns a value into a tree, its keys in the order in which JSON has them.
func nodeOf(value any) (*yaml.Node, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding the value: %w", err)
	}
	document, err := parse(string(raw)) // JSON is YAML
	if err != nil {
		return nil, fmt.Errorf("reading the value: %w", err)
	}
	plain(document.Content[0])
	return document.Content[0], nil
}

// plain drops JSON's braces and quotes where YAML does without.
func plain(node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		if node.ShortTag() == yaml.NodeTagString {
			*node = *scalar(node.Value)
		}
		return
	}
	if len(node.Content) > 0 {
		node.Style = 0
	}
	for _, child := range node.Content {
		plain(child)
	}
}

// scalar returns a string, in quotes where an older YAML, as Kubernetes reads
// it, would take it for something else.
func scalar(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: text}
	if text == "" || strings.ContainsAny(text, "\n\r\t") || yaml.IsValueNonString(text) {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}
