package eval

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/schema"
)

// A result is a computed value and what it costs to know about it.
type result struct {
	value   esc.Value
	size    int // bytes, roughly as JSON
	nesting int
	unknown bool // it holds something unknown
	secret  bool // it holds something secret
	merged  bool // it holds an object with properties of several layers
	leases  *leases
}

func unknownResult() result { return result{value: esc.Unknown(), unknown: true} }

// unknownLike is an unknown of a kind that is as secret as what it is made
// from.
func unknownLike(from result, kind string) result {
	x := unknownResult()
	if kind != "" {
		x = unknownOf(schema.Of(kind))
	}
	if x.secret = from.secret; x.secret {
		x.value = x.value.Sealed()
	}
	return x
}

func (x result) isObject() bool { _, ok := x.value.Object(); return ok }

func scalarResult(v esc.Value) result {
	text, _ := v.RevealString()
	return result{value: v, size: len(text) + 4, secret: v.IsSecret(), unknown: v.IsUnknown()}
}

// include counts what lies in a list or object.
func (x *result) include(part result) {
	x.size += part.size
	x.nesting = max(x.nesting, part.nesting+1)
	x.unknown = x.unknown || part.unknown
	x.secret = x.secret || part.secret
	x.merged = x.merged || part.merged
	x.leases = x.leases.with(part.leases)
}

// measure takes the cost of a value that came from outside. It gives up where
// the value exceeds the limits, which the returned result then does too.
func measure(v esc.Value) result { return measureIn(v, 0) }

func measureIn(v esc.Value, depth int) result {
	if depth > maxNesting {
		return result{nesting: maxNesting + 1}
	}
	x := scalarResult(v)
	if elements, ok := v.List(); ok {
		for _, e := range elements {
			if x.size > maxResult {
				break
			}
			x.include(measureIn(e, depth+1))
		}
	}
	if fields, ok := v.Object(); ok {
		for name, e := range fields {
			if x.size > maxResult {
				break
			}
			x.size += len(name) + 4
			x.include(measureIn(e, depth+1))
		}
	}
	return x
}

// interpolated is the text of v inside other text: scalars as they are, lists
// as "a","b" and objects as "k"="v". It is longer than maxValue if it would
// be: quoting what was quoted doubles it at each level.
func interpolated(v esc.Value) string {
	var parts []string
	size := 0
	add := func(part string) (more bool) {
		parts = append(parts, part)
		size += len(part) + 1
		return size <= maxValue
	}
	elements, isList := v.List()
	fields, isObject := v.Object()
	for _, e := range elements {
		if !add(quoted(e)) {
			break
		}
	}
	for _, name := range v.Keys() {
		if !add(strconv.Quote(name) + "=" + quoted(fields[name])) {
			break
		}
	}
	if isList || isObject {
		return strings.Join(parts, ",")
	}
	text, _ := v.RevealString()
	return text
}

func quoted(v esc.Value) string {
	text := interpolated(v)
	if len(text) > maxValue {
		return text
	}
	return strconv.Quote(text)
}

// fromPlain is RevealAll, backwards.
func fromPlain(raw any) esc.Value {
	switch raw := raw.(type) {
	case []any:
		out := make([]esc.Value, len(raw))
		for i, e := range raw {
			out[i] = fromPlain(e)
		}
		return esc.New(out)
	case map[string]any:
		out := make(map[string]esc.Value, len(raw))
		for name, e := range raw {
			out[name] = fromPlain(e)
		}
		return esc.New(out)
	case json.Number, string, bool:
		return esc.New(raw)
	}
	return esc.New(nil)
}
