package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// yamlText writes v as YAML: keys sorted, numbers as they are, and strings
// that would read as something else in quotes.
func yamlText(v esc.Value) ([]byte, error) {
	if err := representable(v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(yamlNode(v)); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return escapeUnprintable(out.Bytes(), func(out []byte, r rune) []byte { return fmt.Appendf(out, `\U%08x`, r) }), nil
}

func yamlNode(v esc.Value) *yaml.Node {
	switch raw := v.Reveal().(type) {
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: raw.String()}
	case bool:
		text, _ := v.RevealString()
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: text}
	case string:
		return yamlString(raw)
	case []esc.Value:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range raw {
			n.Content = append(n.Content, yamlNode(e))
		}
		return n
	case map[string]esc.Value:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range v.Keys() {
			n.Content = append(n.Content, yamlString(name), yamlNode(raw[name]))
		}
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

// yamlString quotes what YAML 1.1 and 1.2 readers may take for something else.
// Text with anything that does not print is double-quoted, where all of that is
// escaped.
func yamlString(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsFunc(text, odd) || ambiguous(text) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func odd(c rune) bool { return !esc.Printable(c) }

// ambiguous reports what one YAML reader or another takes for no string.
func ambiguous(text string) bool {
	switch strings.ToLower(text) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<", "=", ".nan":
		return true
	}
	first := text[0]
	return first >= '0' && first <= '9' || first == '.' || first == '-' || first == '+'
}
