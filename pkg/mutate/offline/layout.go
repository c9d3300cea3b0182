// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// layout is how a document is indented.
type layout struct {
	indent int
	// wide says that lists in maps are indented.
	wide bool
}

// layoutOf reads the layout of a document from the columns of its first nested
// map and its first list.
func layoutOf(root *yaml.Node) layout {
	found := layout{}
	list := false
	var visit func(*yaml.Node)
	visit = func(node *yaml.Node) {
		for i := 0; node.Kind == yaml.MappingNode && node.Style&yaml.FlowStyle == 0 && i < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if len(value.Content) == 0 || value.Style&yaml.FlowStyle != 0 || value.Line == key.Line {
				continue
			}
			by := value.Column - key.Column
			switch {
			case value.Kind == yaml.MappingNode && found.indent == 0 && by > 0:
				found.indent = by
			case value.Kind == yaml.SequenceNode && !list:
				list, found.wide = true, by > 0
			}
		}
		for _, child := range node.Content {
			visit(child)
		}
	}
	visit(root)
	if found.indent == 0 {
		found.indent = yaml.DefaultIndent
	}
	return found
}

// encode writes a tree as YAML.
func (l layout) encode(root *yaml.Node) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(l.indent)
	if l.wide {
		encoder.DefaultSeqIndent()
	}
	if err := encoder.Encode(root); err != nil {
		return "", fmt.Errorf("writing YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return "", fmt.Errorf("writing YAML: %w", err)
	}
	return out.String(), nil
}

// encodeJSON writes a tree that was read from JSON as JSON again, as kubectl
// indents it, its keys in their order.
func encodeJSON(root *yaml.Node) (string, error) {
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, root); err != nil {
		return "", err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "    "); err != nil {
		return "", fmt.Errorf("writing JSON: %w", err)
	}
	return out.String() + "\n", nil
}

func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	brackets := ""
	switch node.Kind {
	case yaml.DocumentNode:
		return writeJSON(out, node.Content[0])
	case yaml.MappingNode:
		brackets = "{}"
	case yaml.SequenceNode:
		brackets = "[]"
	default:
		return writeScalar(out, node)
	}
	out.WriteByte(brackets[0])
	for i, child := range node.Content {
		switch {
		case i == 0:
		case node.Kind == yaml.MappingNode && i%2 == 1:
			out.WriteByte(':')
		default:
			out.WriteByte(',')
		}
		if err := writeJSON(out, child); err != nil {
			return err
		}
	}
	out.WriteByte(brackets[1])
	return nil
}

func writeScalar(out *bytes.Buffer, node *yaml.Node) error {
	if node.ShortTag() != yaml.NodeTagString {
		out.WriteString(node.Value)
		return nil
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(node.Value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	out.Truncate(out.Len() - 1) // the line's end
	return nil
}
