package eval

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// parse reads a text as a definition. It always returns one; what is wrong
// with it is broken in it.
func parse(src *Source) (*definition, esc.Diagnostics) {
	root, err := document(src.Text)
	src = src.veil(root)
	r := &reader{src: src}
	def := &definition{source: src}
	var wrong *syntaxError
	switch {
	case errors.As(err, &wrong):
		at := &expr{line: wrong.line, column: wrong.column}
		r.errorAt(at, wrong.summary, wrong.hint)
	case root != nil:
		r.top(def, root)
	}
	if r.full {
		def.values, def.refused = nil, true
	}
	if def.values == nil {
		def.values = r.new(&yaml.Node{Line: 1, Column: 1}, nil, "values")
		def.values.kind = object
	}
	def.count, def.finals = r.ids, r.finals
	return def, r.said
}

// A reader turns YAML nodes into expressions.
type reader struct {
	src    *Source
	ids    int // expressions made
	fresh  []expr
	nodes  int // nodes seen
	depth  int
	finals bool // see definition
	full   bool // a limit was exceeded: read no more
	plain  bool // ${...} and fn:: mean nothing
	notes
}

func (r *reader) errorAt(e *expr, summary, hint string) {
	r.rangeError(e, 0, len(e.raw), summary, hint)
}

// rangeError is errorAt for some bytes of a scalar.
func (r *reader) rangeError(e *expr, start, end int, summary, hint string) {
	if r.room(false) {
		r.add(diagnoseRange(r.src, e, start, end, summary, hint))
	}
}

func (r *reader) warnAt(e *expr, summary, hint string) {
	if r.room(true) {
		d := diagnose(r.src, e, summary, hint)
		d.Warning = true
		r.add(d)
	}
}

// new makes an expression of no kind yet.
func (r *reader) new(n *yaml.Node, parent *expr, step string) *expr {
	e := r.blank()
	e.id, e.line, e.column, e.parent, e.step = r.ids, n.Line, n.Column, parent, step
	if n.Kind == yaml.ScalarNode {
		e.raw = n.Value
	} else {
		e.last = innermostLast(n)
	}
	r.ids++
	return e
}

// blank returns an expression of which nothing is known.
func (r *reader) blank() *expr {
	if len(r.fresh) == 0 {
		r.fresh = make([]expr, 16) // far fewer allocations than one by one
	}
	e := &r.fresh[0]
	r.fresh = r.fresh[1:]
	return e
}

// innermostLast returns what a list or object ends with: a scalar, or something
// empty.
func innermostLast(n *yaml.Node) *yaml.Node {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// admit refuses the YAML that definitions do not use, and too much of it.
func (r *reader) admit(n *yaml.Node, e *expr) bool {
	r.nodes++
	switch {
	case r.full:
		return false
	case r.nodes > maxNodes:
		r.full = true
		r.errorAt(e, fmt.Sprintf("the definition has more than %d nodes", maxNodes), "")
	case r.depth > maxDepth:
		r.errorAt(e, fmt.Sprintf("the definition is nested deeper than %d", maxDepth), "")
	case n.Kind == yaml.AliasNode:
		r.errorAt(e, "aliases are not supported", "quote text that begins with *, or refer to a value with ${...}")
	case n.Anchor != "":
		r.errorAt(e, "anchors are not supported", "quote text that begins with &, or refer to a value with ${...}")
	case n.Style&yaml.TaggedStyle != 0 && !coreTag(n.ShortTag()):
		r.errorAt(e, "custom tags are not supported", "quote text that begins with !")
	default:
		return true
	}
	return false
}

func coreTag(tag string) bool {
	switch tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return true
	}
	return false
}

// pairs calls f for each key and value of a mapping, and says what is wrong
// with its keys. fold makes keys alike that differ only in case. f may not keep
// the key.
func (r *reader) pairs(n *yaml.Node, parent *expr, fold bool, f func(key *expr, name string, value *yaml.Node)) {
	seen := keyLines{size: len(n.Content) / 2}
	at := r.blank()
	for i := 0; i+1 < len(n.Content) && !r.full; i += 2 {
		key := n.Content[i]
		*at = expr{line: key.Line, column: key.Column, raw: key.Value, parent: parent, step: nameStep(key.Value)}
		if !r.admitKey(key, at) {
			continue
		}
		name := key.Value
		if fold {
			name = strings.ToLower(name)
		}
		if first := seen.add(name, key.Line); first > 0 {
			r.errorAt(at, fmt.Sprintf("duplicate key %q", clip(key.Value)), fmt.Sprintf("it is already on line %d", first))
			continue
		}
		f(at, key.Value, n.Content[i+1])
	}
}

// keyLines are the keys of one mapping and their lines. Few take no map.
type keyLines struct {
	size int // how many there may be
	few  [16]keyLine
	n    int // of few
	many map[string]int
}

type keyLine struct {
	name string
	line int
}

// add returns the line where name was added before, 0 if it was not.
func (k *keyLines) add(name string, line int) (before int) {
	for i := range k.few[:k.n] {
		if k.few[i].name == name {
			return k.few[i].line
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = keyLine{name, line}
		k.n++
		return 0
	}
	if before = k.many[name]; before == 0 {
		if k.many == nil {
			k.many = make(map[string]int, k.size)
		}
		k.many[name] = line
	}
	return before
}

func (r *reader) admitKey(key *yaml.Node, at *expr) bool {
	switch {
	case !r.admit(key, at):
	case key.Kind != yaml.ScalarNode:
		r.errorAt(at, "a key must be a string", "")
	case key.ShortTag() == "!!merge":
		r.errorAt(at, "merge keys are not supported", "use imports, or refer to a value with ${...}")
	case len(key.Value) > maxName:
		r.errorAt(at, fmt.Sprintf("a key is longer than %d bytes", maxName), "")
	default:
		return true
	}
	return false
}

// top reads the top level.
func (r *reader) top(def *definition, root *yaml.Node) {
	at := r.new(root, nil, "")
	if !r.admit(root, at) || root.ShortTag() == "!!null" {
		return
	}
	if root.Kind != yaml.MappingNode {
		r.errorAt(at, "a definition is an object with the keys description, imports and values", "")
		return
	}
	r.pairs(root, nil, true, func(key *expr, name string, value *yaml.Node) {
		switch strings.ToLower(name) {
		case "description":
			r.description(value)
		case "imports":
			def.imports = r.imports(value)
		case "values":
			def.values = r.values(value)
		default:
			hint := esc.DidYouMean(name, []string{"description", "imports", "values"})
			r.warnAt(key, fmt.Sprintf("unknown key %q: it is ignored", clip(name)), hint)
		}
	})
}

func (r *reader) description(n *yaml.Node) {
	e := r.new(n, nil, "description")
	if r.admit(n, e) && n.Kind != yaml.ScalarNode {
		r.errorAt(e, "description must be a string", "")
	}
}

// values reads the object of values. Its keys are names, never calls.
func (r *reader) values(n *yaml.Node) *expr {
	e := r.new(n, nil, "values")
	if !r.admit(n, e) || n.ShortTag() == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.errorAt(e, "values must be an object", "")
		return nil
	}
	e.object(len(n.Content) / 2)
	r.depth = 2 // the top level and values itself
	r.pairs(n, e, false, func(key *expr, name string, value *yaml.Node) {
		switch {
		case strings.HasPrefix(name, "fn::"):
			r.errorAt(key, fmt.Sprintf("%q is not allowed at the top level of values", clip(name)), "give the value a name")
		case name == "imports" || name == "context" || name == "environments":
			r.errorAt(key, fmt.Sprintf("%q is a reserved key", name), "")
		default:
			e.set(name, r.expr(value, e, key.step))
		}
	})
	return e
}

// object makes e an object of n properties, which are to be set.
func (e *expr) object(n int) {
	e.kind, e.fields, e.names = object, make(map[string]*expr, n), make([]string, 0, n)
}

func (e *expr) set(name string, value *expr) {
	e.names = append(e.names, name)
	e.fields[name] = value
}

// imports reads the list of imports.
func (r *reader) imports(n *yaml.Node) []importDecl {
	e := r.new(n, nil, "imports")
	if !r.admit(n, e) || n.ShortTag() == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.errorAt(e, "imports must be a list", "")
		return nil
	}
	var decls []importDecl
	for i, item := range n.Content {
		if decl, ok := r.importDecl(item, r.new(item, e, indexStep(i))); ok {
			decls = append(decls, decl)
		}
	}
	return decls
}

func (r *reader) importDecl(n *yaml.Node, at *expr) (importDecl, bool) {
	decl := importDecl{merge: true, at: at}
	if !r.admit(n, at) {
		return decl, false
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value != "":
		decl.name = n.Value
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		r.pairs(n, at.parent, false, func(key *expr, name string, value *yaml.Node) {
			named := *key
			decl.name, decl.at = name, &named
			decl.merge = r.importOptions(value, r.new(value, at, nameStep(name)))
		})
	default:
		r.errorAt(at, "an import is a name, or one name with options", "write project/name, or project/name: {merge: false}")
	}
	if strings.Contains(decl.name, "${") {
		r.errorAt(decl.at, "the name of an import is not interpolated", "")
		return decl, false
	}
	return decl, decl.name != ""
}

// importOptions reads {merge: bool}.
func (r *reader) importOptions(n *yaml.Node, at *expr) (merge bool) {
	merge = true
	if !r.admit(n, at) || n.ShortTag() == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.errorAt(at, "the options of an import are an object", "write {merge: false}")
		return
	}
	r.pairs(n, at, false, func(key *expr, name string, value *yaml.Node) {
		switch {
		case !r.admit(value, key):
		case name != "merge":
			r.warnAt(key, fmt.Sprintf("unknown option %q: it is ignored", clip(name)), esc.DidYouMean(name, []string{"merge"}))
		case value.ShortTag() != "!!bool":
			r.errorAt(key, "merge must be true or false", "")
		default:
			merge = strings.EqualFold(value.Value, "true")
			r.finals = r.finals || !merge
		}
	})
	return
}
