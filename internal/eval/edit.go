package eval

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// SetOptions say how SetValue takes its value.
type SetOptions struct {
	Secret bool // as text, wrapped in fn::secret
	String bool // as text, even if it reads as YAML
}

// SetValue returns text with the value at path replaced, or added along with
// the objects that lead to it. Comments stay. The path is below values unless
// it begins with values or imports; an index one past the end of a list
// appends. value is YAML, or text where it does not read as YAML. The result
// may still be wrong as a definition: see Lint.
func SetValue(text []byte, path, value string, opt SetOptions) ([]byte, error) {
	steps, err := editPath(path)
	if err != nil {
		return nil, err
	}
	doc, err := editable(text)
	if err != nil {
		return nil, err
	}
	node, err := valueNode(value, opt)
	if err != nil {
		return nil, err
	}
	if old, _ := find(doc.Content[0], steps); old != nil {
		if out, ok := splice(text, old, node); ok {
			return out, nil
		}
	}
	if err := put(doc.Content[0], steps, 0, node); err != nil {
		return nil, err
	}
	return encode(doc)
}

// RemoveValue returns text without the value at path. Comments elsewhere stay.
func RemoveValue(text []byte, path string) ([]byte, error) {
	steps, err := editPath(path)
	if err != nil {
		return nil, err
	}
	doc, err := editable(text)
	if err != nil {
		return nil, err
	}
	parent, err := find(doc.Content[0], steps[:len(steps)-1])
	if err != nil {
		return nil, err
	}
	last := steps[len(steps)-1]
	at, width := position(parent, last, len(steps) == 1)
	if at < 0 {
		return nil, missing(steps)
	}
	first := at - width + 1
	parent.Content = append(parent.Content[:first:first], parent.Content[at+1:]...)
	return encode(doc)
}

// GetValue returns the value at path as it is written, as YAML; all of the
// definition if path is empty. The text of secrets is hidden unless reveal.
func GetValue(text []byte, path string, reveal bool) ([]byte, error) {
	doc, err := editable(text)
	if err != nil {
		return nil, err
	}
	node := doc.Content[0]
	if !reveal {
		hide(node) // before anything is looked up: a path may lead into a secret
	}
	if path == "" {
		return encode(node)
	}
	steps, err := editPath(path)
	if err != nil {
		return nil, err
	}
	if node, err = find(node, steps); err != nil {
		return nil, err
	}
	return encode(node)
}

// editPath reads a path and completes it from the top of the text.
func editPath(path string) ([]step, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	if first := steps[0].name; first != "values" && first != "imports" {
		steps = append([]step{{name: "values"}}, steps...)
	}
	return steps, nil
}

// editable reads text for editing; an empty one becomes an empty object.
func editable(text []byte) (*yaml.Node, error) {
	root, err := document(text)
	if wrong, ok := errors.AsType[*syntaxError](err); ok {
		at := esc.Position{Line: wrong.line, Column: wrong.column}
		return nil, esc.Diagnostics{{Position: at, Summary: wrong.summary, Hint: wrong.hint}}
	}
	if root == nil || root.ShortTag() == "!!null" {
		root = &yaml.Node{Kind: yaml.MappingNode}
	}
	if root.Kind != yaml.MappingNode {
		return nil, esc.Errorf(esc.Invalid, "the definition is not an object")
	}
	if nodes := 0; !within(root, 1, &nodes) {
		return nil, esc.Errorf(esc.Invalid, "the definition is nested deeper than %d or has more than %d nodes", maxDepth, maxNodes)
	}
	return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}, nil
}

func within(n *yaml.Node, depth int, nodes *int) bool {
	*nodes++
	if depth > maxDepth+2 || *nodes > maxNodes {
		return false
	}
	for _, child := range n.Content {
		if !within(child, depth+1, nodes) {
			return false
		}
	}
	return true
}

// valueNode makes the node that SetValue puts in place.
func valueNode(value string, opt SetOptions) (*yaml.Node, error) {
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return nil, esc.Errorf(esc.Invalid, "the value is not text").WithHint("store the base64 of it and use fn::fromBase64")
	}
	if len(value) > maxValue {
		return nil, esc.Errorf(esc.Invalid, "%s", tooLarge(maxValue))
	}
	if opt.Secret {
		secret := &yaml.Node{Kind: yaml.MappingNode}
		secret.Content = []*yaml.Node{textNode("fn::secret"), textNode(escape(value))}
		return secret, nil
	}
	if opt.String {
		return textNode(value), nil
	}
	return readValue(value)
}

func textNode(value string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(value)
	return n
}

// escape writes text so that unescape gives it back.
func escape(text string) string {
	if plain, err := unescape(text); err == nil && plain == text {
		return text
	}
	return strings.ReplaceAll(text, "$", "$$")
}

// readValue reads YAML. What is only by accident YAML is text: "#1", "*x".
func readValue(value string) (*yaml.Node, error) {
	trimmed := strings.TrimSpace(value)
	n, err := document([]byte(value)) // nil for what is empty as YAML
	structured := strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") || strings.Contains(trimmed, "\n")
	switch {
	case err != nil && structured:
		return nil, esc.Errorf(esc.Invalid, "the value is not YAML").WithHint("add --string to take it as text")
	case n == nil:
		return textNode(value), nil
	case n.Kind == yaml.ScalarNode && n.Style == 0 && (n.Value != trimmed || n.Anchor != "" || n.ShortTag() == "!!str"):
		return textNode(value), nil
	}
	return n, nil
}

// position returns where in n's content the value of a step is, -1 if it is
// not there, and how many nodes belong to it. The keys of the top level are
// alike in upper and lower case.
func position(n *yaml.Node, s step, top bool) (at, width int) {
	if s.isIndex {
		if n.Kind == yaml.SequenceNode && s.index < len(n.Content) {
			return s.index, 1
		}
		return -1, 1
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i].Value; key == s.name || top && strings.EqualFold(key, s.name) {
				return i + 1, 2
			}
		}
	}
	return -1, 2
}

// find returns the node at a path.
func find(n *yaml.Node, steps []step) (*yaml.Node, error) {
	for i, s := range steps {
		at, _ := position(n, s, i == 0)
		if at < 0 {
			return nil, missing(steps[:i+1])
		}
		n = n.Content[at]
	}
	return n, nil
}

func missing(steps []step) error {
	return esc.Errorf(esc.NotFound, "the definition has no %s", pathString(steps))
}

// put sets what steps[i:] name below n, and makes what is missing on the way.
func put(n *yaml.Node, steps []step, i int, value *yaml.Node) error {
	s := steps[i]
	if err := fit(n, s, steps[:i]); err != nil {
		return err
	}
	at, _ := position(n, s, i == 0)
	if at < 0 {
		if s.isIndex && s.index > len(n.Content) {
			return esc.Errorf(esc.Invalid, "%s is beyond the end of its list", pathString(steps[:i+1])).
				WithHint("the next index is %d", len(n.Content))
		}
		if !s.isIndex {
			n.Content = append(n.Content, textNode(s.name))
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
		at = len(n.Content) - 1
	}
	if i+1 < len(steps) {
		return put(n.Content[at], steps, i+1, value)
	}
	old := n.Content[at]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	n.Content[at] = value
	return nil
}

// fit makes an empty n a list or object, whichever s needs, and refuses one
// that is something else.
func fit(n *yaml.Node, s step, path []step) error {
	want := yaml.MappingNode
	if s.isIndex {
		want = yaml.SequenceNode
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		*n = yaml.Node{Kind: want, HeadComment: n.HeadComment, LineComment: n.LineComment, FootComment: n.FootComment}
	}
	if n.Kind == want {
		return nil
	}
	kind := map[yaml.Kind]string{yaml.MappingNode: "an object", yaml.SequenceNode: "a list"}
	is := kind[n.Kind]
	if is == "" {
		is = "a single value"
	}
	return esc.Errorf(esc.Invalid, "%s is %s, not %s", pathString(path), is, kind[want]).WithHint("remove it first")
}

// hide replaces the text of secrets.
func hide(n *yaml.Node) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && strings.EqualFold(n.Content[i-1].Value, "fn::secret") {
			n.Content[i] = textNode(esc.Hidden)
			n.Content[i-1].LineComment, n.Content[i-1].FootComment = "", ""
			continue
		}
		hide(child)
	}
}

func encode(n *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(n); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return out.Bytes(), nil
}
