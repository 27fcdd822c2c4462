package eval

import (
	"fmt"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// A Describer is a provider or rotator that says what it gives, so that
// checking finds what refers to something else. A provider may also Unwrap to
// one.
type Describer interface {
	// Outputs describes the value of Open.
	Outputs() *schema.Schema
}

// unknownFrom is what a provider or rotator gives, before it does.
func unknownFrom(provider any) result {
	for {
		if d, ok := provider.(Describer); ok {
			return unknownOf(d.Outputs())
		}
		around, ok := provider.(interface{ Unwrap() esc.Provider })
		if !ok {
			return unknownResult()
		}
		provider = around.Unwrap()
	}
}

// unknownOf is an unknown of which something is known.
func unknownOf(s *schema.Schema) result {
	if s == nil {
		return unknownResult()
	}
	return result{value: esc.UnknownOf(s), unknown: true}
}

// shapeOf returns what is known of an unknown; nil if nothing is.
func shapeOf(v esc.Value) *schema.Schema {
	shape, _ := v.Shape().(*schema.Schema)
	return shape
}

// below returns what is known of one step below an unknown, or why there can
// be no such step.
func below(shape *schema.Schema, s step) (*schema.Schema, *problem) {
	switch kind := shape.Kind(); {
	case kind == "":
		return nil, nil
	case kind == "array" && s.isIndex:
		return shape.Item(s.index), nil
	case kind == "array":
		return nil, outOfRange(s, 0)
	case kind == "object" && s.isIndex:
		return nil, noIndex()
	case kind == "object":
		next := shape.Property(s.name)
		if next.Never() {
			return nil, &problem{fmt.Sprintf("unknown property %q", clip(s.name)), esc.DidYouMean(s.name, shape.Names())}
		}
		return next, nil
	default:
		return nil, &problem{summary: fmt.Sprintf("a %s has no %s", kind, clip(s.bare()))}
	}
}
