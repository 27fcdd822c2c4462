package esc

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Hidden stands for a secret wherever a Value is printed.
const Hidden = "[secret]"

// A Value is a null, boolean, number, string, list or object of a definition,
// and remembers whether it is secret. Anything computed from a secret is
// secret. Printing, logging or encoding a secret Value gives Hidden; the
// methods called Reveal are the only way out.
//
// The zero Value is null. Values are immutable: do not change a list or map
// after it was handed to New or came from List or Object.
type Value struct {
	held    any // nil, bool, json.Number, string, []Value, map[string]Value; a *sealed of one if secret; a *shaped
	unknown bool
}

// sealed keeps a secret behind a pointer, where package fmt does not follow
// even when it prints a struct with a Value in an unexported field.
type sealed struct{ raw any }

// New returns raw as a Value. raw is nil, a bool, a json.Number, a string, a
// []Value or a map[string]Value; anything else is a programming error and
// panics.
func New(raw any) Value {
	switch raw.(type) {
	case nil, bool, json.Number, string, []Value, map[string]Value:
		return Value{held: raw}
	}
	panic(fmt.Sprintf("esc: a value cannot hold a %T", raw))
}

// NewSecret returns raw as a secret Value. Lists and objects are made secret
// element by element.
func NewSecret(raw any) Value { return New(raw).AsSecret() }

// shaped is what is known of an unknown.
type shaped struct{ shape any }

// Unknown stands for a value that only opening can tell.
func Unknown() Value { return Value{unknown: true} }

// UnknownOf is an Unknown of which something is known: a schema, in whatever
// type the reader of Shape expects.
func UnknownOf(shape any) Value { return Value{held: &shaped{shape}, unknown: true} }

// Shape returns what UnknownOf was given; nil for every other value.
func (v Value) Shape() any {
	if s, ok := v.held.(*shaped); ok {
		return s.shape
	}
	return nil
}

// AsSecret returns v with every scalar in it secret.
func (v Value) AsSecret() Value {
	held := v.Reveal()
	switch raw := held.(type) {
	case []Value:
		list := make([]Value, len(raw))
		for i, e := range raw {
			list[i] = e.AsSecret()
		}
		held = list
	case map[string]Value:
		object := make(map[string]Value, len(raw))
		for k, e := range raw {
			object[k] = e.AsSecret()
		}
		held = object
	}
	return Value{held: &sealed{held}, unknown: v.unknown}
}

// Sealed returns v marked secret as a whole: what lies in it keeps its own
// marks, and can still be shown by itself.
func (v Value) Sealed() Value { return Value{held: &sealed{v.Reveal()}, unknown: v.unknown} }

// IsSecret reports whether v itself was marked secret. A list or object that
// merely contains secrets is not; see HasSecret.
func (v Value) IsSecret() bool { _, ok := v.held.(*sealed); return ok }

// HasSecret reports whether v or anything in it is secret.
func (v Value) HasSecret() bool {
	if v.IsSecret() {
		return true
	}
	found := false
	v.each(func(e Value) { found = found || e.HasSecret() })
	return found
}

// IsUnknown reports whether v is Unknown.
func (v Value) IsUnknown() bool { return v.unknown }

// HasUnknown reports whether v or anything in it is Unknown.
func (v Value) HasUnknown() bool {
	if v.unknown {
		return true
	}
	found := false
	v.each(func(e Value) { found = found || e.HasUnknown() })
	return found
}

func (v Value) each(f func(Value)) {
	switch raw := v.Reveal().(type) {
	case []Value:
		for _, e := range raw {
			f(e)
		}
	case map[string]Value:
		for _, e := range raw {
			f(e)
		}
	}
}

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.Reveal() == nil && !v.unknown }

// List returns the elements of a list.
func (v Value) List() ([]Value, bool) { l, ok := v.Reveal().([]Value); return l, ok }

// Object returns the properties of an object.
func (v Value) Object() (map[string]Value, bool) {
	m, ok := v.Reveal().(map[string]Value)
	return m, ok
}

// Keys returns the property names of an object, sorted.
func (v Value) Keys() []string {
	m, _ := v.Object()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Reveal returns what v holds, secret or not: nil, bool, json.Number, string,
// []Value or map[string]Value. It is the way out of a secret, so every use of
// it should be easy to justify.
func (v Value) Reveal() any {
	switch held := v.held.(type) {
	case *sealed:
		return held.raw
	case *shaped:
		return nil
	}
	return v.held
}

// RevealAll is Reveal all the way down, in the types encoding/json knows: nil,
// bool, json.Number, string, []any or map[string]any. An unknown is nil.
func (v Value) RevealAll() any {
	switch raw := v.Reveal().(type) {
	case []Value:
		list := make([]any, len(raw))
		for i, e := range raw {
			list[i] = e.RevealAll()
		}
		return list
	case map[string]Value:
		object := make(map[string]any, len(raw))
		for name, e := range raw {
			object[name] = e.RevealAll()
		}
		return object
	default:
		return raw
	}
}

// RevealString returns the text of a scalar: a string as it is, a number as it
// was written, true or false, and nothing for null. ok is false for lists,
// objects and unknowns.
func (v Value) RevealString() (text string, ok bool) {
	switch raw := v.Reveal().(type) {
	case nil:
		return "", !v.unknown
	case bool:
		if raw {
			return "true", true
		}
		return "false", true
	case json.Number:
		return raw.String(), true
	case string:
		return raw, true
	}
	return "", false
}

// Kind names what v holds: null, boolean, number, string, list, object or
// unknown.
func (v Value) Kind() string {
	switch v.Reveal().(type) {
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []Value:
		return "list"
	case map[string]Value:
		return "object"
	}
	if v.unknown {
		return "unknown"
	}
	return "null"
}

// AKind is Kind with its article, for messages: "a list", "an object".
func (v Value) AKind() string {
	switch kind := v.Kind(); kind {
	case "object", "unknown":
		return "an " + kind
	default:
		return "a " + kind
	}
}

// String returns v for people: Hidden if it is secret.
func (v Value) String() string {
	switch {
	case v.IsSecret():
		return Hidden
	case v.unknown:
		return "[unknown]"
	}
	switch raw := v.Reveal().(type) {
	case []Value:
		parts := make([]string, len(raw))
		for i, e := range raw {
			parts[i] = e.String()
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]Value:
		parts := make([]string, 0, len(raw))
		for _, k := range v.Keys() {
			parts = append(parts, k+":"+raw[k].String())
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	text, _ := v.RevealString()
	return text
}

// Format hides secrets from every verb of package fmt.
func (v Value) Format(f fmt.State, verb rune) {
	if verb == 'v' {
		fmt.Fprint(f, v.String())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), v.String())
}

// MarshalJSON hides secrets from encoding/json: what is secret or unknown
// becomes a placeholder. Code that means to send secrets encodes Reveal.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.IsSecret() || v.unknown {
		return json.Marshal(v.String())
	}
	return json.Marshal(v.Reveal())
}
