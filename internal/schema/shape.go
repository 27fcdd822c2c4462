package schema

import "slices"

// covers reports whether what x describes may be what s describes: whether a
// value that nobody knows yet can turn out to be right.
func (c *checker) covers(s, x *Schema, path string, nested int) bool {
	switch {
	case s == nil || x == nil || x.never: // what cannot be there cannot be wrong
		return true
	case c.exhausted(nested):
		return false
	case s.never:
		return c.fail(path, "no value is accepted here")
	}
	nested++
	good := s.ref == nil || c.covers(s.ref, x, path, nested)
	good = (x.ref == nil || c.covers(s, x.ref, path, nested)) && good
	for _, alternatives := range [][]*Schema{x.anyOf, x.oneOf} {
		good = c.someCover(alternatives, path, func(one *Schema) bool { return c.covers(s, one, path, nested) }) && good
	}
	for _, alternatives := range [][]*Schema{s.anyOf, s.oneOf} {
		good = c.someCover(alternatives, path, func(one *Schema) bool { return c.covers(one, x, path, nested) }) && good
	}
	if x.kind != "" && s.kind != "" && x.kind != s.kind {
		good = c.fail(path, "expected %s, got %s", s.kind, x.kind)
	}
	switch x.kind {
	case "array":
		good = c.coversItems(s, x, path, nested) && good
	case "object":
		good = c.coversProperties(s, x, path, nested) && good
	}
	return good
}

// someCover reports whether one of alternatives, if there are any, does.
func (c *checker) someCover(alternatives []*Schema, path string, covers func(*Schema) bool) bool {
	if len(alternatives) == 0 {
		return true
	}
	outer, matched := c.said, false
	c.said = nil
	for _, one := range alternatives {
		matched = covers(one) || matched
	}
	inner := c.said
	if c.said = outer; matched {
		return true
	}
	c.said = append(c.said, inner...)
	return c.fail(path, "at least one subschema must match")
}

func (c *checker) coversItems(s, x *Schema, path string, nested int) bool {
	good := true
	for i := range max(len(s.prefix), len(x.prefix)) {
		expected, got := s.items, x.items
		if i < len(s.prefix) {
			expected = s.prefix[i]
		}
		if i < len(x.prefix) {
			got = x.prefix[i]
		}
		if i >= len(x.prefix) && (got == nil || got.never) {
			break // x has no such item, or nobody knows
		}
		good = c.covers(expected, got, path+index(i), nested) && good
	}
	if x.items != nil && !x.items.never {
		good = c.covers(s.items, x.items, path, nested) && good
	}
	return good
}

func (c *checker) coversProperties(s, x *Schema, path string, nested int) bool {
	good := true
	for _, name := range x.Names() {
		expected, ok := s.properties[name]
		if !ok {
			expected = s.additional
		}
		good = c.covers(expected, x.properties[name], path+step(name), nested) && good
	}
	if x.additional != nil && !x.additional.never {
		return c.covers(s.additional, x.additional, path, nested) && good
	}
	certain := func(name string) bool { return slices.Contains(x.required, name) }
	possible := func(name string) bool { return x.properties[name] != nil }
	for _, name := range s.missing(certain, possible) {
		good = c.fail(path+step(name), "missing required property") && good
	}
	return good
}
