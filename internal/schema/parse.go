package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

const (
	maxDepth        = 200     // schemas inside schemas
	maxPattern      = 1 << 10 // bytes of one pattern
	maxInstructions = 5_000   // of one pattern, compiled: {1000} is a thousand
	maxExponent     = 1_000   // of a number that is compared
)

// Parse reads a schema: true, false or an object. The Path of a Diagnostic is
// relative to v. A schema that comes with errors accepts everything where they
// are. What JSON Schema has and this dialect has not is a warning.
func Parse(v esc.Value) (*Schema, esc.Diagnostics) {
	p := &parser{defs: map[string]*Schema{}}
	root := &Schema{}
	p.fill(root, v, "", 0)
	p.resolve()
	return root, p.said
}

type parser struct {
	defs map[string]*Schema
	refs []reference
	said esc.Diagnostics
}

// A reference is a $ref that waits for all $defs to be known.
type reference struct {
	from *Schema
	name string
	path string
}

func (p *parser) errorf(path, format string, args ...any) {
	p.said = append(p.said, esc.Diagnostic{Path: path, Summary: fmt.Sprintf(format, args...)})
}

func (p *parser) resolve() {
	for _, r := range p.refs {
		name, ok := strings.CutPrefix(r.name, "#/$defs/")
		plain, err := url.PathUnescape(name)
		switch {
		case !ok || err != nil || strings.Contains(name, "/"):
			p.errorf(r.path, "only references of the form #/$defs/name are supported")
		case p.defs[plain] == nil:
			p.errorf(r.path, "unknown subschema %q", clip(r.name))
		default:
			r.from.ref = p.defs[plain]
		}
	}
}

// fill reads one schema into s.
func (p *parser) fill(s *Schema, v esc.Value, path string, depth int) {
	fields, isObject := v.Object()
	accepts, isBool := v.Reveal().(bool)
	switch {
	case depth > maxDepth:
		p.errorf(path, "the schema is nested deeper than %d", maxDepth)
	case v.IsUnknown():
	case isBool:
		s.never = !accepts
	case !isObject:
		p.errorf(path, "a schema is an object, true or false, not %s", v.AKind())
	default:
		if depth == 0 {
			p.define(fields["$defs"], path+step("$defs"))
		}
		for _, word := range v.Keys() {
			p.keyword(s, word, fields[word], path+step(word), depth)
		}
	}
}

// define reads the $defs of the root. They may refer to each other.
func (p *parser) define(v esc.Value, path string) {
	fields, _ := v.Object()
	for name := range fields {
		p.defs[name] = &Schema{}
	}
	for _, name := range v.Keys() {
		p.fill(p.defs[name], fields[name], path+step(name), 1)
	}
}

func (p *parser) keyword(s *Schema, word string, v esc.Value, path string, depth int) {
	if v.IsUnknown() {
		return
	}
	switch word {
	case "$ref":
		p.refs = append(p.refs, reference{s, p.text(v, path), path})
	case "anyOf":
		s.anyOf = p.list(v, path, depth)
	case "oneOf":
		s.oneOf = p.list(v, path, depth)
	case "prefixItems":
		s.prefix = p.list(v, path, depth)
	case "items":
		s.items = p.one(v, path, depth)
	case "additionalProperties":
		s.additional = p.one(v, path, depth)
	case "properties":
		s.properties = p.object(v, path, depth)
	case "type":
		s.kind = p.kind(v, path)
	case "const":
		s.constant = &v
	case "enum":
		s.enum = p.values(v, path)
	case "pattern":
		p.pattern(s, v, path)
	case "uniqueItems":
		s.unique = p.boolean(v, path)
	case "required":
		s.required = p.texts(v, path)
	case "dependentRequired":
		s.dependent = p.dependent(v, path)
	default:
		p.measured(s, word, v, path)
	}
}

// measured reads the keywords that hold a number, and those that say nothing
// about values.
func (p *parser) measured(s *Schema, word string, v esc.Value, path string) {
	switch word {
	case "multipleOf", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum":
		if n, ok := p.number(v, path); ok {
			if word == "multipleOf" && n.Sign() <= 0 {
				p.errorf(path, "a multiple must be of a number above 0")
				return
			}
			s.numbers = append(s.numbers, bound{word, n, v.String()})
		}
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		text, _ := v.RevealString()
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil || v.Kind() != "number" {
			p.errorf(path, "%s must be a whole number from 0 up", word)
			return
		}
		s.sizes = append(s.sizes, size{word, int(n)})
	case "$defs", "$schema", "$id", "$comment", "title", "description", "default", "deprecated", "examples", "secret", "rotateOnly":
	default:
		p.said = append(p.said, esc.Diagnostic{
			Path: path, Summary: fmt.Sprintf("unknown keyword %q: it is ignored", clip(word)),
			Hint: esc.DidYouMean(word, keywords()), Warning: true,
		})
	}
}

func keywords() []string {
	return []string{
		"$defs", "$ref", "anyOf", "oneOf", "prefixItems", "items", "additionalProperties", "properties", "type", "const", "enum",
		"multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern",
		"maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "dependentRequired",
	}
}

func (p *parser) one(v esc.Value, path string, depth int) *Schema {
	s := &Schema{}
	p.fill(s, v, path, depth+1)
	return s
}

func (p *parser) list(v esc.Value, path string, depth int) []*Schema {
	var out []*Schema
	for i, e := range p.values(v, path) {
		out = append(out, p.one(e, path+index(i), depth))
	}
	return out
}

func (p *parser) object(v esc.Value, path string, depth int) map[string]*Schema {
	fields, ok := v.Object()
	if !ok {
		p.errorf(path, "expected object, got %s", kindOf(v))
	}
	out := make(map[string]*Schema, len(fields))
	for _, name := range v.Keys() {
		out[name] = p.one(fields[name], path+step(name), depth)
	}
	return out
}

func (p *parser) kind(v esc.Value, path string) string {
	kinds := []string{"string", "number", "boolean", "array", "object", "null"}
	text := p.text(v, path)
	if text != "" && !slices.Contains(kinds, text) {
		p.errorf(path, "expected one of %s", asJSON(kinds))
		return ""
	}
	return text
}

func (p *parser) values(v esc.Value, path string) []esc.Value {
	elements, ok := v.List()
	if !ok {
		p.errorf(path, "expected array, got %s", kindOf(v))
	}
	return elements
}

func (p *parser) text(v esc.Value, path string) string {
	text, ok := v.Reveal().(string)
	if !ok && !v.IsUnknown() {
		p.errorf(path, "expected string, got %s", kindOf(v))
	}
	return text
}

func (p *parser) texts(v esc.Value, path string) []string {
	var out []string
	for i, e := range p.values(v, path) {
		out = append(out, p.text(e, path+index(i)))
	}
	return out
}

func (p *parser) boolean(v esc.Value, path string) bool {
	b, ok := v.Reveal().(bool)
	if !ok {
		p.errorf(path, "expected boolean, got %s", kindOf(v))
	}
	return b
}

func (p *parser) dependent(v esc.Value, path string) map[string][]string {
	fields, ok := v.Object()
	if !ok {
		p.errorf(path, "expected object, got %s", kindOf(v))
	}
	out := make(map[string][]string, len(fields))
	for _, name := range v.Keys() {
		out[name] = p.texts(fields[name], path+step(name))
	}
	return out
}

func (p *parser) number(v esc.Value, path string) (*big.Rat, bool) {
	text, isNumber := v.Reveal().(json.Number)
	if !isNumber {
		p.errorf(path, "expected number, got %s", kindOf(v))
		return nil, false
	}
	n, ok := rational(text)
	if !ok {
		p.errorf(path, "the number is too large or too small")
	}
	return n, ok
}

// rational returns a number exactly, if that is not too much to hold.
func rational(text json.Number) (*big.Rat, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(text)), "e")
	if e, err := strconv.Atoi(exponent); exponent != "" && (err != nil || e > maxExponent || e < -maxExponent) || len(mantissa) > maxExponent {
		return nil, false
	}
	return new(big.Rat).SetString(string(text))
}

// pattern refuses regular expressions that cost too much.
func (p *parser) pattern(s *Schema, v esc.Value, path string) {
	text := p.text(v, path)
	if len(text) > maxPattern {
		p.errorf(path, "the pattern is longer than %d bytes", maxPattern)
		return
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		p.errorf(path, "the pattern is not a regular expression: %s", clip(err.Error()))
		return
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxInstructions {
		p.errorf(path, "the pattern is too large")
		return
	}
	s.pattern, s.instructions = regexp.MustCompile(text), len(program.Inst)
}
