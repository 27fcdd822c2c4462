package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// expr reads one value.
func (r *reader) expr(n *yaml.Node, parent *expr, step string) *expr {
	e := r.new(n, parent, step)
	r.depth++
	defer func() { r.depth-- }()
	if !r.admit(n, e) {
		return e
	}
	switch n.Kind {
	case yaml.ScalarNode:
		r.scalar(n, e)
	case yaml.SequenceNode:
		e.kind = list
		for i, item := range n.Content {
			if r.full {
				break
			}
			e.items = append(e.items, r.expr(item, e, indexStep(i)))
		}
	case yaml.MappingNode:
		r.mapping(n, e)
	default: // admit lets no other pass
	}
	return e
}

func (r *reader) scalar(n *yaml.Node, e *expr) {
	if len(n.Value) > maxValue {
		r.errorAt(e, tooLarge(maxValue), "")
		return
	}
	switch n.ShortTag() {
	case "!!null":
		e.kind = literal
	case "!!bool":
		r.boolean(n, e)
	case "!!int", "!!float":
		r.number(n, e)
	default:
		r.text(n.Value, e)
	}
}

func tooLarge(most int) string {
	return fmt.Sprintf("the value is larger than %d KiB", most>>10)
}

func (r *reader) boolean(n *yaml.Node, e *expr) {
	switch strings.ToLower(n.Value) {
	case "true", "false":
		e.kind, e.value = literal, esc.New(strings.EqualFold(n.Value, "true"))
	default:
		r.errorAt(e, "a boolean is true or false", "quote it if it is text")
	}
}

func (r *reader) number(n *yaml.Node, e *expr) {
	number, err := normalNumber(n.Value)
	if err != nil {
		r.errorAt(e, "a number must be finite and decimal, octal, hexadecimal or binary", "quote it if it is text")
		return
	}
	e.kind, e.value = literal, esc.New(number)
}

// normalNumber keeps a number's text where JSON would write it too, so that
// 1.10 stays 1.10, and gives YAML's other spellings in decimal.
func normalNumber(text string) (json.Number, error) {
	if isJSONNumber(text) {
		return json.Number(text), nil
	}
	plain := strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	if isJSONNumber(plain) {
		return json.Number(plain), nil
	}
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10)), nil
	}
	if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10)), nil
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", errors.New("not a number")
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}

// isJSONNumber refuses the white space that JSON allows around a number.
func isJSONNumber(text string) bool {
	return strings.Trim(text, "+-.0123456789eE") == "" && json.Valid([]byte(text))
}

// text reads a string and the ${...} in it.
func (r *reader) text(raw string, e *expr) {
	if r.plain || !strings.Contains(raw, "$") {
		e.kind, e.value = literal, esc.New(raw)
		return
	}
	parts, err := splitInterpolation(raw)
	switch {
	case err != nil:
		r.rangeError(e, err.start, err.end, err.summary, "write $${ for a literal ${")
	case len(parts) == 1 && parts[0].path == nil:
		e.kind, e.value = literal, esc.New(parts[0].text)
	case len(parts) == 1 && parts[0].text == "":
		e.kind, e.parts = reference, parts
		r.finals = r.finals || parts[0].path[0].name == "environments"
	default:
		e.kind, e.parts = interpolation, parts
	}
}

func (r *reader) mapping(n *yaml.Node, e *expr) {
	if !r.plain && meansCall(n) {
		r.call(n, e)
		return
	}
	e.object(len(n.Content) / 2)
	r.pairs(n, e, false, func(key *expr, name string, value *yaml.Node) {
		if r.plain || !strings.Contains(name, "$") {
			e.set(name, r.expr(value, e, key.step))
			return
		}
		plain, err := unescape(name)
		if err != nil {
			r.errorAt(key, "a key must be a string: keys are not interpolated", "write $${ for a literal ${")
			return
		}
		e.set(plain, r.expr(value, e, nameStep(plain)))
	})
}
