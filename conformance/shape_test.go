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

// over returns the shape of s merged over lower, which may be nil.
func (s *shape) over(lower *shape) *shape {
	switch {
	case lower == nil:
		return s
	case lower.final:
		return lower
	case s.form != formObject || lower.form != formObject:
		return s
	}
	out := newObject()
	out.final = s.final
	maps.Copy(out.fields, lower.fields)
	for name, field := range s.fields {
		out.fields[name] = field.over(lower.fields[name])
	}
	return out
}

// any reports whether is says yes to s or anything in it.
func (s *shape) any(is func(*shape) bool) bool {
	if is(s) {
		return true
	}
	for _, item := range s.items {
		if item.any(is) {
			return true
		}
	}
	for _, field := range s.fields {
		if field.any(is) {
			return true
		}
	}
	return false
}

func (s *shape) has(f form) bool { return s.any(func(s *shape) bool { return s.form == f }) }
func (s *shape) hasFinal() bool  { return s.any(func(s *shape) bool { return s.final }) }
func (s *shape) isPassable() bool {
	return !s.any(func(s *shape) bool { return s.final || s.form == formObject })
}

// referable reports whether all of s can be copied.
func (s *shape) referable() bool { return !s.open && !s.has(formOdd) }
