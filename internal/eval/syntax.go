package eval

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// A definition is one text, read. It does not change after that.
type definition struct {
	source  *Source
	imports []importDecl
	values  *expr // an object
	refused bool  // too much of it: values is empty
	finals  bool  // it has fn::final, or refers to definitions that may
	count   int   // expressions in it; their ids are below it
}

// An importDecl is one item of imports.
type importDecl struct {
	name  string
	merge bool
	at    *expr
}

type kind uint8

const (
	broken        kind = iota // could not be read; a diagnostic says why
	literal                   // null, boolean, number or string, secret or not
	interpolation             // text with ${...} in it
	reference                 // nothing but one ${...}
	list
	object
	call // fn::...
)

// An expr is one node of a definition.
type expr struct {
	id     int
	kind   kind
	line   int        // from 1
	column int        // from 1, in characters
	raw    string     // a scalar's text as YAML reads it
	last   *yaml.Node // what a list or object ends with
	parent *expr
	step   string // how parent reaches it: "name", "[0]"

	value    esc.Value        // literal
	parts    []part           // interpolation, reference
	names    []string         // object: in the order they are written
	fields   map[string]*expr // object
	items    []*expr          // list; arguments of a call
	fn       string           // call: "join"
	provider string           // call of open and rotate
}

// path returns the property path of e for a message.
func (e *expr) path() string { return clip(e.fullPath()) }

// fullPath returns the property path of e, "values.aws.login".
func (e *expr) fullPath() string {
	var steps []string
	for ; e != nil; e = e.parent {
		steps = append(steps, e.step)
	}
	var b strings.Builder
	for _, step := range slices.Backward(steps) {
		b.WriteString(dotted(step))
	}
	return strings.TrimPrefix(b.String(), ".")
}

// short returns the path as references write it, without "values".
func (e *expr) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.path(), "values"), ".")
}

// clip keeps long names from others' texts out of messages.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// nameStep writes a name as a step of a property path, the dot left out. Only
// what could be the name of a variable goes without quotes.
func nameStep(name string) string {
	for i, c := range name {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return quotedStep(name)
		}
	}
	if name == "" {
		return quotedStep(name)
	}
	return name
}

func quotedStep(name string) string { return `["` + strings.ReplaceAll(name, `"`, `\"`) + `"]` }

func indexStep(i int) string { return "[" + strconv.Itoa(i) + "]" }
