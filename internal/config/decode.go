package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// A decoder walks a document and notes everything that is wrong with it.
type decoder struct {
	file  string
	diags esc.Diagnostics
}

// A setter takes the value of one key.
type setter func(*yaml.Node)

// document returns the one document in text, nil if it is empty.
func (d *decoder) document(text []byte) *yaml.Node {
	if !utf8.Valid(text) {
		d.diags = append(d.diags, esc.Diagnostic{Position: esc.Position{File: d.file}, Summary: "this is not UTF-8 text"})
		return nil
	}
	var doc, more yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(text))
	if err := reader.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	if err := reader.Decode(&more); err == nil {
		d.wrong(&more, "", "there is a second document in this file")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	return doc.Content[0]
}

// syntax notes an error of the YAML parser, which names the line in its text.
func (d *decoder) syntax(err error) {
	summary := strings.TrimPrefix(err.Error(), "yaml: ")
	at := esc.Position{File: d.file, Line: 1, Column: 1}
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(summary); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		summary = m[2]
	}
	d.diags = append(d.diags, esc.Diagnostic{Position: at, Summary: "this is not YAML: " + esc.OneLine(summary, 200)})
}

// wrong notes what is wrong with a node.
func (d *decoder) wrong(n *yaml.Node, path, format string, args ...any) {
	d.diags = append(d.diags, esc.Diagnostic{
		Position: esc.Position{File: d.file, Line: n.Line, Column: n.Column},
		Path:     path,
		Summary:  fmt.Sprintf(format, args...),
	})
}

// plain reports whether n is a node of the kind without YAML's machinery.
func (d *decoder) plain(n *yaml.Node, path string, kind yaml.Kind, want string) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.wrong(n, path, "anchors and aliases are not understood here")
	case n.Kind != kind:
		d.wrong(n, path, "%s must be %s", path, want)
	case n.Style&yaml.TaggedStyle != 0:
		d.wrong(n, path, "tags are not understood here")
	default:
		return true
	}
	return false
}

// object hands the value of each key to its setter. A null is an empty object.
func (d *decoder) object(n *yaml.Node, path string, keys map[string]setter) {
	if isNull(n) || !d.plain(n, orTop(path), yaml.MappingNode, "an object") {
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := join(path, key.Value)
		set, known := keys[key.Value]
		switch {
		case !d.plain(key, orTop(path), yaml.ScalarNode, "an object with names for keys"):
		case !known:
			d.unknown(key, name, slices.Sorted(maps.Keys(keys)))
		case seen[key.Value]:
			d.wrong(key, name, "%s is set twice", name)
		default:
			set(value)
		}
		seen[key.Value] = true
	}
}

func (d *decoder) unknown(key *yaml.Node, name string, known []string) {
	d.wrong(key, name, "there is no setting %s", esc.OneLine(name, 60))
	hint := esc.DidYouMean(key.Value, known)
	if hint == "" {
		hint = "there is " + strings.Join(known, ", ")
	}
	d.diags[len(d.diags)-1].Hint = hint
}

// text hands the text of a scalar to set, which says what is wrong with it.
func (d *decoder) text(path string, set func(string) error) setter {
	return func(n *yaml.Node) {
		if !d.plain(n, path, yaml.ScalarNode, "a string") {
			return
		}
		if isNull(n) || n.Value == "" {
			d.wrong(n, path, "%s is empty", path)
		} else if err := set(n.Value); err != nil {
			d.wrong(n, path, "%s %s", path, err)
		}
	}
}

// texts does so for each element of a list.
func (d *decoder) texts(path string, set func(string) error) setter {
	return func(n *yaml.Node) {
		if !d.plain(n, path, yaml.SequenceNode, "a list") {
			return
		}
		if len(n.Content) == 0 {
			d.wrong(n, path, "%s is empty", path)
		}
		for i, element := range n.Content {
			d.text(fmt.Sprintf("%s[%d]", path, i), set)(element)
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orTop(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}
