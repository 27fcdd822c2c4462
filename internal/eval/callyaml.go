package eval

import (
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// toYAML writes a value as YAML: objects by key, numbers as they are written.
func toYAML(v esc.Value) (string, error) {
	text, err := yaml.Marshal(yamlTree(v))
	if err != nil {
		return "", errors.New("the value cannot be written as YAML")
	}
	return string(text), nil
}

// yamlTree is RevealAll in the types the YAML library knows: into a value that
// is secret then.
func yamlTree(v esc.Value) any {
	switch raw := v.Reveal().(type) {
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: raw.String()}
	case []esc.Value:
		out := make([]any, len(raw))
		for i, e := range raw {
			out[i] = yamlTree(e)
		}
		return out
	case map[string]esc.Value:
		out := make(map[string]any, len(raw))
		for name, e := range raw {
			out[name] = yamlTree(e)
		}
		return out
	default:
		return raw
	}
}

var errNotYAML = errors.New("the string is not YAML as definitions are written: one document, no aliases, anchors, tags or merge keys")

// fromYAML reads the YAML that definitions are written in, as they are read,
// but for ${...} and fn::, which mean nothing in it.
func fromYAML(text string) (esc.Value, error) {
	root, err := decode([]byte(text))
	if err != nil {
		return esc.Value{}, errNotYAML
	}
	if root == nil {
		return esc.New(nil), nil
	}
	r := &reader{src: &Source{}, plain: true}
	e := r.expr(root, nil, "")
	if len(r.said) > 0 || r.full {
		return esc.Value{}, errNotYAML
	}
	return e.plainValue(), nil
}

// plainValue returns what an expression without calls and references holds.
func (e *expr) plainValue() esc.Value {
	switch e.kind {
	case list:
		out := make([]esc.Value, len(e.items))
		for i, item := range e.items {
			out[i] = item.plainValue()
		}
		return esc.New(out)
	case object:
		out := make(map[string]esc.Value, len(e.fields))
		for name, field := range e.fields {
			out[name] = field.plainValue()
		}
		return esc.New(out)
	default:
		return e.value
	}
}
