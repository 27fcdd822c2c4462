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
	parts, err := splitInterpolation(raw)
	switch {
	case err != nil:
		r.rangeError(e, err.start, err.end, err.summary, "write $${ for a literal ${")
	case len(parts) == 1 && parts[0].path == nil:
		e.kind, e.value = literal, esc.New(parts[0].text)
	case len(parts) == 1 && parts[0].text == "":
		e.kind, e.parts = reference, parts
	default:
		e.kind, e.parts = interpolation, parts
	}
}

func (r *reader) mapping(n *yaml.Node, e *expr) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind == yaml.ScalarNode && isCall(key.Value) {
			r.call(n, e)
			return
		}
	}
	e.kind, e.fields = object, map[string]*expr{}
	r.pairs(n, e, false, func(key *expr, name string, value *yaml.Node) {
		plain, err := unescape(name)
		if err != nil {
			r.errorAt(key, "a key must be a string: keys are not interpolated", "write $${ for a literal ${")
			return
		}
		e.set(plain, r.expr(value, e, nameStep(plain)))
	})
}

// isCall reports whether a key means a built-in function.
func isCall(key string) bool {
	return len(key) >= 4 && strings.EqualFold(key[:4], "fn::")
}

// call reads {fn::name: arguments}.
func (r *reader) call(n *yaml.Node, e *expr) {
	key := n.Content[0]
	if len(n.Content) != 2 {
		r.errorAt(e, "a call of a built-in function must be the only key of its object", "")
		return
	}
	at := &expr{line: key.Line, column: key.Column, raw: key.Value, parent: e}
	if !r.admitKey(key, at) {
		return
	}
	name, arg := strings.TrimPrefix(key.Value, "fn::"), n.Content[1]
	step := `["` + clip(key.Value) + `"]`
	if provider, short := strings.CutPrefix(name, "open::"); short {
		r.open(e, at, provider, r.expr(arg, e, step))
		return
	}
	switch name {
	case "secret":
		r.secret(arg, e, step)
	case "open":
		r.openLong(e, at, r.expr(arg, e, step))
	case "join", "split":
		r.twoArguments(e, name, r.expr(arg, e, step))
	case "concat":
		r.concat(e, r.expr(arg, e, step))
	case "toJSON", "fromJSON", "toBase64", "fromBase64", "toString", "final":
		e.kind, e.fn, e.items = call, name, []*expr{r.expr(arg, e, step)}
	default:
		r.unknownCall(at, name)
	}
}

func (r *reader) unknownCall(at *expr, name string) {
	family, _, _ := strings.Cut(name, "::")
	switch family {
	case "rotate", "toYAML", "validate":
		r.errorAt(at, fmt.Sprintf("fn::%s is not supported yet", family), "")
		return
	}
	hint := esc.DidYouMean(at.raw, []string{
		"fn::secret", "fn::open", "fn::join", "fn::split", "fn::concat", "fn::toJSON", "fn::fromJSON",
		"fn::toBase64", "fn::fromBase64", "fn::toString", "fn::final",
	})
	r.errorAt(at, fmt.Sprintf("%q is not a built-in function", clip(at.raw)), hint)
}

func (r *reader) twoArguments(e *expr, name string, arg *expr) {
	if arg.kind != list || len(arg.items) != 2 {
		r.needs(arg, "fn::"+name+" needs a list of two: the delimiter and what it applies to")
		return
	}
	e.kind, e.fn, e.items = call, name, arg.items
}

func (r *reader) concat(e, arg *expr) {
	if arg.kind != list {
		r.needs(arg, "fn::concat needs a list of lists")
		return
	}
	e.kind, e.fn, e.items = call, "concat", arg.items
}

// needs reports a wrong argument, unless it was reported as broken already.
func (r *reader) needs(arg *expr, summary string) {
	if arg.kind != broken {
		r.errorAt(arg, summary, "")
	}
}

// secret reads the plaintext of fn::secret. No message may quote it.
func (r *reader) secret(n *yaml.Node, e *expr, step string) {
	arg := r.new(n, e, step)
	if !r.admit(n, arg) {
		return
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "ciphertext" {
		r.errorAt(arg, "fn::secret with ciphertext is not supported yet", "write the plaintext, or keep it in a secret manager")
		return
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		r.errorAt(arg, "fn::secret needs a string", "quote it")
		return
	}
	plain, err := unescape(n.Value)
	switch {
	case err != nil:
		r.errorAt(arg, "the text of a secret is not interpolated", "write $${ for a literal ${")
	case len(plain) > maxValue:
		r.errorAt(arg, tooLarge(maxValue), "")
	default:
		e.kind, e.value = literal, esc.NewSecret(plain)
	}
}

// openLong reads {provider: name, inputs: any}.
func (r *reader) openLong(e, at, arg *expr) {
	if arg.kind != object {
		r.needs(arg, "fn::open needs an object with provider and inputs")
		return
	}
	for _, name := range arg.names {
		if name != "provider" && name != "inputs" {
			r.warnAt(arg.fields[name], fmt.Sprintf("unknown key %q: it is ignored", clip(name)),
				esc.DidYouMean(name, []string{"provider", "inputs"}))
		}
	}
	provider, inputs := arg.fields["provider"], arg.fields["inputs"]
	switch {
	case provider == nil:
		r.errorAt(at, "fn::open needs a provider", "")
	case provider.kind != literal || provider.value.Kind() != "string":
		r.needs(provider, "the provider of fn::open must be a plain string")
	case inputs == nil:
		r.errorAt(at, "fn::open needs inputs", "write inputs: {} if there are none")
	default:
		name, _ := provider.value.RevealString()
		r.open(e, at, name, inputs)
	}
}

func (r *reader) open(e, at *expr, provider string, inputs *expr) {
	if provider == "" {
		r.errorAt(at, "fn::open needs a provider", "")
		return
	}
	e.kind, e.fn, e.provider, e.items = call, "open", provider, []*expr{inputs}
}
