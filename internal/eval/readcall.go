package eval

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
)

// meansCall reports whether an object is meant to call a built-in function. In
// upper case, that is only so if nothing else can be meant.
func meansCall(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.ScalarNode && strings.HasPrefix(key.Value, "fn::") {
			return true
		}
	}
	return len(n.Content) == 2 && n.Content[0].Kind == yaml.ScalarNode && strings.HasPrefix(strings.ToLower(n.Content[0].Value), "fn::")
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
	step := nameStep(key.Value)
	if name == "secret" {
		r.secret(arg, e, step)
		return
	}
	family, provider, short := strings.Cut(name, "::")
	switch {
	case short && family == "open":
		r.open(e, at, provider, r.expr(arg, e, step))
	case short && family == "rotate":
		r.rotate(e, at, provider, r.expr(arg, e, step))
	case short || !isBuiltIn(name):
		r.errorAt(at, fmt.Sprintf("%q is not a built-in function", clip(at.raw)), esc.DidYouMean(at.raw, builtIns()))
	default:
		r.builtIn(e, at, name, r.expr(arg, e, step))
	}
}

// builtIn reads the arguments of a call that has no provider in its name.
func (r *reader) builtIn(e, at *expr, name string, arg *expr) {
	switch name {
	case "open":
		r.openLong(e, at, arg)
	case "rotate":
		r.rotateLong(e, at, arg)
	case "join", "split":
		r.twoArguments(e, name, arg)
	case "concat":
		r.concat(e, arg)
	case "validate":
		r.validate(e, arg)
	default:
		e.kind, e.fn, e.items = call, name, []*expr{arg}
		r.finals = r.finals || name == "final"
	}
}

// builtIns are the keys that mean built-in functions.
func builtIns() []string {
	return []string{
		"fn::secret", "fn::open", "fn::rotate", "fn::join", "fn::split", "fn::concat", "fn::toJSON", "fn::fromJSON", "fn::toYAML", "fn::fromYAML",
		"fn::toBase64", "fn::fromBase64", "fn::toString", "fn::final", "fn::validate",
	}
}

func isBuiltIn(name string) bool { return slices.Contains(builtIns(), "fn::"+name) }

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

// secret reads the plaintext or the ciphertext of fn::secret. No message may
// quote it.
func (r *reader) secret(n *yaml.Node, e *expr, step string) {
	arg := r.new(n, e, step)
	e.kind, e.value = literal, esc.NewSecret("") // secret, also if it is wrong
	if !r.admit(n, arg) {
		return
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "ciphertext" {
		r.ciphertext(n.Content[1], e, arg)
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
		e.value = esc.NewSecret(plain)
	}
}

// ciphertext reads {ciphertext: text}.
func (r *reader) ciphertext(n *yaml.Node, e, parent *expr) {
	arg := r.new(n, parent, nameStep("ciphertext"))
	if !r.admit(n, arg) {
		return
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		r.errorAt(arg, "ciphertext needs a string", "quote it")
		return
	}
	e.kind, e.fn = call, "secret"
	sealed, err := unwrap(n.Value)
	if err != nil {
		r.errorAt(e, "invalid ciphertext: "+err.Error(), "")
		return
	}
	e.items, e.value = []*expr{arg}, esc.New(string(sealed))
}

// unwrap returns what is in an envelope: base64 of "escx", the version 1, the
// ciphertext and a CRC-32 of all before it.
func unwrap(text string) ([]byte, error) {
	const head, least = 8, 16
	bytes, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, errors.New("it is not base64")
	case len(text) > 2*maxValue:
		return nil, errors.New("it is too long")
	case len(bytes) < least || string(bytes[:4]) != "escx":
		return nil, errors.New("it is not in an envelope")
	}
	body, sum := bytes[:len(bytes)-4], binary.BigEndian.Uint32(bytes[len(bytes)-4:])
	switch {
	case crc32.ChecksumIEEE(body) != sum:
		return nil, errors.New("its checksum is wrong")
	case binary.BigEndian.Uint32(body[4:]) != 1:
		return nil, errors.New("its version is not known")
	}
	return body[head:], nil
}

// fields returns the properties of an argument that is an object, and warns of
// those that mean nothing. It returns nil if the argument is something else.
func (r *reader) fields(arg *expr, summary string, names ...string) map[string]*expr {
	if arg.kind != object {
		r.needs(arg, summary)
		return nil
	}
	for _, name := range arg.names {
		if !slices.Contains(names, name) {
			r.warnAt(arg.fields[name], fmt.Sprintf("unknown key %q: it is ignored", clip(name)), esc.DidYouMean(name, names))
		}
	}
	return arg.fields
}

// openLong reads {provider: name, inputs: any}.
func (r *reader) openLong(e, at, arg *expr) {
	fields := r.fields(arg, "fn::open needs an object with provider and inputs", "provider", "inputs")
	if fields == nil {
		return
	}
	provider, ok := r.providerName(arg, fields["provider"], "fn::open")
	if inputs := fields["inputs"]; ok && inputs == nil {
		r.errorAt(arg, "fn::open needs inputs", "write inputs: {} if there are none")
	} else if ok {
		r.open(e, at, provider, inputs)
	}
}

// providerName reads the provider of a long form.
func (r *reader) providerName(arg, provider *expr, fn string) (string, bool) {
	switch {
	case provider == nil:
		r.errorAt(arg, fn+" needs a provider", "")
	case provider.kind != literal || provider.value.Kind() != "string" || provider.value.IsSecret():
		r.needs(provider, "the provider of "+fn+" must be a plain string")
	default:
		return provider.value.RevealString()
	}
	return "", false
}

func (r *reader) open(e, at *expr, provider string, inputs *expr) {
	if provider == "" {
		r.errorAt(at, "fn::open needs a provider", "")
		return
	}
	e.kind, e.fn, e.provider, e.items = call, "open", provider, []*expr{inputs}
}

// rotateLong reads {provider: name, inputs: any, state: object}.
func (r *reader) rotateLong(e, at, arg *expr) {
	fields := r.fields(arg, "fn::rotate needs an object with provider, inputs and state", "provider", "inputs", "state")
	if fields == nil {
		return
	}
	if provider, ok := r.providerName(arg, fields["provider"], "fn::rotate"); ok {
		r.rotateFields(e, at, provider, arg)
	}
}

// rotate reads {inputs: any, state: object}.
func (r *reader) rotate(e, at *expr, provider string, arg *expr) {
	if r.fields(arg, "fn::rotate needs an object with inputs and state", "inputs", "state") != nil {
		r.rotateFields(e, at, provider, arg)
	}
}

func (r *reader) rotateFields(e, at *expr, provider string, arg *expr) {
	inputs, state := arg.fields["inputs"], arg.fields["state"]
	if state == nil { // before the first rotation
		state = r.new(&yaml.Node{Line: arg.line, Column: arg.column}, arg, nameStep("state"))
		state.kind, state.last = literal, arg.last
	}
	switch {
	case provider == "":
		r.errorAt(at, "fn::rotate needs a provider", "")
	case inputs == nil:
		r.errorAt(arg, "fn::rotate needs inputs", "write inputs: {} if there are none")
	case state.kind != object && (state.kind != literal || !state.value.IsNull()):
		r.needs(state, "the state of fn::rotate must be an object")
	default:
		e.kind, e.fn, e.provider, e.items = call, "rotate", provider, []*expr{inputs, state}
	}
}

// validate reads {schema: any, value: any}.
func (r *reader) validate(e, arg *expr) {
	fields := r.fields(arg, "fn::validate needs an object with schema and value", "schema", "value")
	switch {
	case fields == nil:
	case fields["schema"] == nil:
		r.errorAt(arg, "fn::validate needs a schema", "")
	case fields["value"] == nil:
		r.errorAt(arg, "fn::validate needs a value", "")
	default:
		e.kind, e.fn, e.items = call, "validate", []*expr{fields["schema"], fields["value"]}
	}
}
