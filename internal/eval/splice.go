package eval

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// splice replaces a scalar in its line and leaves the rest of the text as it
// is, if that gives what it should.
func splice(text []byte, old, value *yaml.Node) ([]byte, bool) {
	if old.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode || strings.Contains(value.Value, "\n") {
		return nil, false
	}
	e := &expr{line: old.Line, column: old.Column, raw: old.Value}
	offset, ok := rawOffset(text, e)
	if !ok || old.Anchor != "" || old.Style&yaml.TaggedStyle != 0 {
		return nil, false
	}
	begin := byteOffset(text, old.Line, old.Column)
	end := begin + len(old.Value) + 2*offset
	for _, written := range spellings(value) {
		out := bytes.Join([][]byte{text[:begin], written, text[end:]}, nil)
		if replaces(text, out, old, value) {
			return out, true
		}
	}
	return nil, false
}

// spellings returns ways to write a scalar, plain ones first. A plain one may
// mean something else inside [] or {}.
func spellings(n *yaml.Node) [][]byte {
	var out [][]byte
	if written, err := yaml.Marshal(n); err == nil {
		out = append(out, bytes.TrimSpace(written))
	}
	if n.ShortTag() == "!!str" {
		out = append(out, []byte("'"+strings.ReplaceAll(n.Value, "'", "''")+"'"))
	}
	return out
}

// byteOffset is locate, backwards.
func byteOffset(text []byte, n, column int) int {
	begin := 0
	for ; n > 1; n-- {
		begin += bytes.IndexByte(text[begin:], '\n') + 1
	}
	rest := line(text[begin:], 1)
	return begin + len(rest) - len(fromColumn(rest, column))
}

// replaces reports whether after differs from before in this one scalar.
func replaces(before, after []byte, old, value *yaml.Node) bool {
	was, err := document(before)
	now, err2 := document(after)
	if err != nil || err2 != nil || now == nil {
		return false
	}
	return same(was, now, func(a, b *yaml.Node) bool {
		if a.Line == old.Line && a.Column == old.Column && a.Kind == yaml.ScalarNode {
			return b.Value == value.Value && b.ShortTag() == value.ShortTag()
		}
		return a.Value == b.Value && a.ShortTag() == b.ShortTag()
	})
}

func same(a, b *yaml.Node, scalar func(a, b *yaml.Node) bool) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) || !scalar(a, b) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i], scalar) {
			return false
		}
	}
	return true
}
