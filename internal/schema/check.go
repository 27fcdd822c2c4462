package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// A bound is minimum, maximum and the like.
type bound struct {
	word  string
	n     *big.Rat
	words string // n as it is written; not if it is secret
}

// A size is minLength, maxItems and the like.
type size struct {
	word string
	n    int
}

const (
	maxChecks  = 200_000   // schemas that are held against values
	maxNesting = 500       // of one Check: schemas may refer to themselves
	maxMatched = 256 << 20 // bytes times instructions that are matched
	maxErrors  = 100       // that one Check reports
)

// A Meter counts what Checks take. Those that share one take together no more
// than one alone may. The zero Meter is a new one.
type Meter struct{ steps, matched int }

func (m *Meter) spent() bool { return m.steps > maxChecks || m.matched > maxMatched }

// Check says where v is not what s describes, if the meter lets it look. The Path of a Diagnostic is
// relative to v. Unknowns are taken to be right, unless their shape (see
// esc.UnknownOf) is a Schema of which none is. Values are not quoted.
func (s *Schema) Check(v esc.Value, meter *Meter) esc.Diagnostics {
	c := &checker{Meter: meter}
	if !c.accepts(s, v, "", 0) && len(c.said) == 0 {
		c.fail("", "no value is accepted here")
	}
	if c.spent() {
		return esc.Diagnostics{{Summary: "the schema takes too many steps to check"}}
	}
	return c.said
}

type checker struct {
	*Meter
	said esc.Diagnostics
}

// fail notes what is wrong and returns false.
func (c *checker) fail(path, format string, args ...any) bool {
	if len(c.said) < maxErrors {
		c.said = append(c.said, esc.Diagnostic{Path: path, Summary: fmt.Sprintf(format, args...)})
	}
	return false
}

// exhausted counts a step, and reports that there were too many.
func (c *checker) exhausted(nested int) bool {
	if c.steps++; nested > maxNesting {
		c.steps = maxChecks + 1
	}
	return c.spent()
}

func (c *checker) accepts(s *Schema, v esc.Value, path string, nested int) bool {
	switch {
	case s == nil:
		return true
	case c.exhausted(nested):
		return false
	case s.never:
		return c.fail(path, "no value is accepted here")
	case v.IsUnknown():
		shape, _ := v.Shape().(*Schema)
		return c.covers(s, shape, path, nested)
	}
	good := s.ref == nil || c.accepts(s.ref, v, path, nested+1)
	good = c.anyOf(s, v, path, nested) && good
	good = c.oneOf(s, v, path, nested) && good
	if s.constant != nil && !c.equal(v, *s.constant) {
		good = c.fail(path, "expected %s", asJSON(*s.constant))
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, func(e esc.Value) bool { return c.equal(v, e) }) {
		good = c.fail(path, "expected one of %s", asJSON(s.enum))
	}
	return c.typed(s, v, path, nested) && good
}

// try holds alternatives against v, and returns how many accept it and what
// the others say.
func (c *checker) try(alternatives []*Schema, v esc.Value, path string, nested int) (matched int, said esc.Diagnostics) {
	outer := c.said
	for _, s := range alternatives {
		c.said = nil
		if c.accepts(s, v, path, nested+1) {
			matched++
		}
		said = append(said, c.said...)
	}
	c.said = outer
	return matched, said
}

func (c *checker) anyOf(s *Schema, v esc.Value, path string, nested int) bool {
	if len(s.anyOf) == 0 {
		return true
	}
	matched, said := c.try(s.anyOf, v, path, nested)
	if matched > 0 {
		return true
	}
	c.said = append(c.said, said...)
	return c.fail(path, "at least one subschema must match")
}

func (c *checker) oneOf(s *Schema, v esc.Value, path string, nested int) bool {
	if len(s.oneOf) == 0 {
		return true
	}
	matched, said := c.try(s.oneOf, v, path, nested)
	switch {
	case matched == 1:
		return true
	case matched > 1:
		return c.fail(path, "exactly one subschema may match")
	}
	c.said = append(c.said, said...)
	return c.fail(path, "exactly one subschema must match")
}

func (c *checker) typed(s *Schema, v esc.Value, path string, nested int) bool {
	if kind := kindOf(v); s.kind != "" && kind != s.kind {
		return c.fail(path, "expected %s, got %s", s.kind, kind)
	}
	switch raw := v.Reveal().(type) {
	case json.Number:
		return c.number(s, raw, path)
	case string:
		return c.text(s, raw, path)
	case []esc.Value:
		return c.array(s, raw, path, nested)
	case map[string]esc.Value:
		return c.object(s, v, raw, path, nested)
	}
	return true
}

func (c *checker) number(s *Schema, text json.Number, path string) bool {
	if len(s.numbers) == 0 {
		return true
	}
	n, ok := rational(text)
	if !ok {
		return c.fail(path, "the number is too large or too small to compare")
	}
	good := true
	for _, b := range s.numbers {
		if wrong := b.misses(n); wrong != "" {
			good = c.fail(path, "expected a %s %s", wrong, b.words)
		}
	}
	return good
}

// misses says what n should be in relation to the bound; "" if it is.
func (b bound) misses(n *big.Rat) string {
	relation := n.Cmp(b.n)
	switch {
	case b.word == "multipleOf" && !new(big.Rat).Quo(n, b.n).IsInt():
		return "multiple of"
	case b.word == "minimum" && relation < 0:
		return "number greater than or equal to"
	case b.word == "exclusiveMinimum" && relation <= 0:
		return "number greater than"
	case b.word == "maximum" && relation > 0:
		return "number less than or equal to"
	case b.word == "exclusiveMaximum" && relation >= 0:
		return "number less than"
	}
	return ""
}

func (c *checker) text(s *Schema, text, path string) bool {
	good := c.sized(s, "Length", utf8.RuneCountInString(text), path, "a string of at %s length %d")
	if s.pattern == nil {
		return good
	}
	if c.matched += len(text) * s.instructions; c.matched > maxMatched {
		return false
	}
	if !s.pattern.MatchString(text) {
		return c.fail(path, "string must match the pattern %q", s.pattern)
	}
	return good
}

// sized checks minWHAT and maxWHAT.
func (c *checker) sized(s *Schema, what string, n int, path, words string) bool {
	good := true
	for _, limit := range s.sizes {
		if limit.word == "min"+what && n < limit.n {
			good = c.fail(path, "expected "+words, "least", limit.n)
		}
		if limit.word == "max"+what && n > limit.n {
			good = c.fail(path, "expected "+words, "most", limit.n)
		}
	}
	return good
}

func (c *checker) array(s *Schema, elements []esc.Value, path string, nested int) bool {
	good := c.sized(s, "Items", len(elements), path, "an array with at %s %d items")
	for i, e := range elements {
		items := s.items
		if i < len(s.prefix) {
			items = s.prefix[i]
		}
		good = c.accepts(items, e, path+index(i), nested+1) && good
	}
	if s.unique {
		good = c.different(elements, path) && good
	}
	return good
}

// different checks uniqueItems.
func (c *checker) different(elements []esc.Value, path string) bool {
	seen := map[string]int{}
	for i, e := range elements {
		if e.HasUnknown() {
			continue
		}
		if c.exhausted(0) {
			return false
		}
		text, _ := json.Marshal(e.RevealAll()) // compared and dropped
		c.matched += len(text)
		if first, twice := seen[string(text)]; twice {
			return c.fail(path, "expected items that differ, and %d is as %d", i, first)
		}
		seen[string(text)] = i
	}
	return true
}

func (c *checker) object(s *Schema, v esc.Value, fields map[string]esc.Value, path string, nested int) bool {
	good := c.sized(s, "Properties", len(fields), path, "an object with at %s %d properties")
	for _, name := range v.Keys() {
		expected, ok := s.properties[name]
		if !ok {
			expected = s.additional
		}
		good = c.accepts(expected, fields[name], path+step(name), nested+1) && good
	}
	has := func(name string) bool { _, ok := fields[name]; return ok }
	if missing := s.missing(has, has); len(missing) > 0 {
		good = c.fail(path, "missing required properties: %s", clip(strings.Join(missing, ", ")))
	}
	return good
}

// missing returns the names that are required, also by others that are
// certainly there, and are not even possible.
func (s *Schema) missing(certain, possible func(name string) bool) []string {
	var names []string
	add := func(required []string) {
		for _, name := range required {
			if !possible(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	add(s.required)
	for name, required := range s.dependent {
		if certain(name) {
			add(required)
		}
	}
	slices.Sort(names)
	return names
}

// equal compares values as JSON does: secret or not, and numbers by what they
// are.
func (c *checker) equal(a, b esc.Value) bool {
	if c.exhausted(0) {
		return false
	}
	switch raw := a.Reveal().(type) {
	case json.Number:
		other, ok := b.Reveal().(json.Number)
		return ok && equalNumbers(raw, other)
	case []esc.Value:
		other, ok := b.List()
		return ok && slices.EqualFunc(raw, other, c.equal)
	case map[string]esc.Value:
		other, ok := b.Object()
		if !ok || len(raw) != len(other) {
			return false
		}
		for name, e := range raw {
			if o, ok := other[name]; !ok || !c.equal(e, o) {
				return false
			}
		}
		return true
	default:
		return !b.IsUnknown() && b.Kind() == a.Kind() && raw == b.Reveal()
	}
}

func equalNumbers(a, b json.Number) bool {
	n, ok := rational(a)
	m, ok2 := rational(b)
	if !ok || !ok2 {
		return a == b
	}
	return n.Cmp(m) == 0
}

// kindOf is Kind in the words of JSON Schema.
func kindOf(v esc.Value) string {
	if kind := v.Kind(); kind != "list" {
		return kind
	}
	return "array"
}

// asJSON writes what is expected, without what is secret.
func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "something else"
	}
	return clip(string(text))
}

// clip keeps long texts of others out of messages.
func clip(text string) string { return esc.OneLine(text, 200) }

// step writes a name as a step of a property path.
func step(name string) string { return `["` + strings.ReplaceAll(name, `"`, `\"`) + `"]` }

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }
