package conformance

import "maps"

// A form is what kind of value something is.
type form byte

const (
	formNull form = iota
	formBool
	formNumber
	formString
	formList
	formObject
	formOdd // not to be referred to: the two write it differently as text
)

// A shape is what the generator knows about a value it has written: enough to
// refer to it without a mistake.
type shape struct {
	form   form
	fields map[string]*shape
	items  []*shape
	open   bool // still being written: referring to all of it would be a cycle
	final  bool
}

func scalar(f form) *shape { return &shape{form: f} }

func newObject() *shape { return &shape{form: formObject, fields: map[string]*shape{}} }

// over returns the shape of upper merged over lower, which may be nil.
func (upper *shape) over(lower *shape) *shape {
	switch {
	case lower == nil:
		return upper
	case lower.final:
		return lower
	case upper.form != formObject || lower.form != formObject:
		return upper
	}
	out := newObject()
	out.final = upper.final
	maps.Copy(out.fields, lower.fields)
	for name, field := range upper.fields {
		out.fields[name] = field.over(lower.fields[name])
	}
	return out
}

// hasOdd reports whether a formOdd is anywhere in s.
func (s *shape) hasOdd() bool {
	if s.form == formOdd {
		return true
	}
	for _, item := range s.items {
		if item.hasOdd() {
			return true
		}
	}
	for _, field := range s.fields {
		if field.hasOdd() {
			return true
		}
	}
	return false
}

// referable reports whether all of s can be copied.
func (s *shape) referable() bool { return !s.open && !s.hasOdd() }
