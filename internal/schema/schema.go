// Package schema is the part of JSON Schema that definitions use: it says
// whether a value is what somebody expects, and where it is not.
//
// It follows the dialect of the Pulumi ESC environment language: one type a
// schema, $ref to #/$defs only. A schema and the values it is held against may
// come from other people, so what one Check may cost is bounded.
package schema

import (
	"maps"
	"regexp"
	"slices"

	"github.com/escenv/escenv/internal/esc"
)

// A Schema says what a value has to be. The zero Schema accepts everything. A
// Schema does not change once it was parsed.
type Schema struct {
	never bool   // accepts nothing
	kind  string // "string", "number", "boolean", "array", "object" or "null"; "" for any

	ref          *Schema
	anyOf, oneOf []*Schema
	constant     *esc.Value
	enum         []esc.Value

	numbers []bound // minimum and the like
	sizes   []size  // minLength and the like
	unique  bool

	pattern      *regexp.Regexp
	instructions int // of pattern, compiled

	prefix     []*Schema // of the first items
	items      *Schema   // of the others; nil accepts everything
	properties map[string]*Schema
	additional *Schema // of other properties; nil accepts everything
	required   []string
	dependent  map[string][]string
}

// Of returns the schema of one type: "string", "array" and so on.
func Of(kind string) *Schema { return &Schema{kind: kind} }

// Object returns the schema of an object that has these properties and no
// others.
func Object(properties map[string]*Schema) *Schema {
	return &Schema{kind: "object", properties: properties, additional: &Schema{never: true}}
}

// Never reports whether s accepts nothing.
func (s *Schema) Never() bool {
	s = s.resolved()
	return s != nil && s.never
}

// Names returns the properties that s describes by name.
func (s *Schema) Names() []string {
	if s = s.resolved(); s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.properties))
}

// Property returns the schema of a property of what s describes; nil if s does
// not say.
func (s *Schema) Property(name string) *Schema {
	if s = s.resolved(); s == nil || s.kind != "object" {
		return nil
	}
	if p, ok := s.properties[name]; ok {
		return p
	}
	return s.additional
}

// Item returns the schema of an item of what s describes; nil if s does not
// say.
func (s *Schema) Item(i int) *Schema {
	if s = s.resolved(); s == nil || s.kind != "array" {
		return nil
	}
	if i < len(s.prefix) {
		return s.prefix[i]
	}
	return s.items
}

// Kind names the one type that s accepts, in the words of JSON Schema; "" if it
// accepts several.
func (s *Schema) Kind() string {
	if s = s.resolved(); s == nil {
		return ""
	}
	return s.kind
}

// resolved follows references, but not in circles.
func (s *Schema) resolved() *Schema {
	for range maxDepth {
		if s == nil || s.ref == nil {
			return s
		}
		s = s.ref
	}
	return nil
}
