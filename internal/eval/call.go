package eval

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/escenv/escenv/internal/esc"
)

// call computes a built-in function.
func (r *run) call(c *cell) (result, bool) {
	if c.waits != nil {
		return c.waits.value, c.waits.done
	}
	switch c.expr.fn {
	case "open":
		return r.open(c)
	case "rotate":
		return r.rotate(c)
	case "secret":
		return r.decrypt(c)
	case "validate":
		return r.validate(c)
	}
	args, ok := r.list(c, c.expr.items)
	if !ok {
		return result{}, false
	}
	r.made += args.size * effort(c.expr.fn)
	values, isList := r.bounded(c, args).value.List()
	if !isList || !r.accepts(c, values) {
		return unknownResult(), true
	}
	if args.unknown {
		return unknownLike(args, gives(c.expr.fn)), true
	}
	return r.applied(c, values, args), true
}

// effort is what it takes to read an argument of fn, however little comes of
// it: YAML is dear.
func effort(fn string) int {
	if fn == "toYAML" || fn == "fromYAML" {
		return 8
	}
	return 1
}

// gives names the type of what a function computes; "" if that depends.
func gives(fn string) string {
	switch fn {
	case "concat", "split":
		return "array"
	case "fromJSON", "fromYAML":
		return ""
	}
	return "string"
}

// applied computes a function of arguments that are known.
func (r *run) applied(c *cell, values []esc.Value, args result) result {
	switch c.expr.fn {
	case "concat":
		return r.concat(values, args)
	case "split":
		return r.split(values, args)
	case "fromJSON", "fromYAML":
		return r.read(c, values[0], args)
	}
	if args.size > 4*maxValue && wanted(c.expr.fn, 0, values[0]) == nil { // it would be too long, whatever it is made of
		r.errorAt(c, tooLarge(maxValue), "")
		return unknownResult()
	}
	text, err := textOf(c.expr.fn, values)
	if err != nil {
		r.errorAt(c, err.Error(), "")
		return unknownResult()
	}
	return r.text(c, text, args)
}

// accepts reports arguments of the wrong kind where they stand.
func (r *run) accepts(c *cell, args []esc.Value) bool {
	good := true
	for i, arg := range args {
		for j, want := range wanted(c.expr.fn, i, arg) {
			v, at := arg, c.expr.items[i]
			if j > 0 { // items of the list
				elements, _ := arg.List()
				v = elements[j-1]
				if at.kind == list {
					at = at.items[j-1]
				}
			}
			kind := v.Kind()
			if v.IsUnknown() {
				kind = kindOf(shapeOf(v).Kind())
			}
			if kind == "" || want == "" || kind == want {
				continue
			}
			good = false
			hint := ""
			if want == "string" {
				hint = "fn::toString makes a string of anything"
			}
			r.errorAt(c.env.cell(at), fmt.Sprintf("fn::%s needs a %s here, not %s", c.expr.fn, want, withArticle(kind)), hint)
		}
	}
	return good
}

// kindOf is a type of JSON Schema as a kind of value.
func kindOf(kind string) string {
	if kind == "array" {
		return "list"
	}
	return kind
}

func withArticle(kind string) string {
	if kind == "object" {
		return "an object"
	}
	return "a " + kind
}

// wanted returns the kind argument i of fn must have, and those of its items
// if it is a list of strings. "" is any.
func wanted(fn string, i int, arg esc.Value) []string {
	switch {
	case fn == "toJSON" || fn == "toYAML" || fn == "toString":
		return nil
	case fn == "concat":
		return []string{"list"}
	case fn == "join" && i == 1:
		kinds := []string{"list"}
		elements, _ := arg.List()
		for range elements {
			kinds = append(kinds, "string")
		}
		return kinds
	}
	return []string{"string"}
}

// textOf computes the functions that give a string.
func textOf(fn string, args []esc.Value) (string, error) {
	first, _ := args[0].RevealString()
	switch fn {
	case "toString":
		return interpolated(args[0]), nil
	case "toJSON":
		text, err := json.Marshal(args[0].RevealAll()) // into a value that is secret then
		return string(text), err
	case "toYAML":
		return toYAML(args[0])
	case "toBase64":
		return base64.StdEncoding.EncodeToString([]byte(first)), nil
	case "fromBase64":
		return fromBase64(first)
	case "join":
		var texts []string
		elements, _ := args[1].List()
		for _, e := range elements {
			text, _ := e.RevealString()
			texts = append(texts, text)
		}
		return strings.Join(texts, first), nil
	}
	return "", errors.New("fn::" + fn + " is not a built-in function")
}

func fromBase64(text string) (string, error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return "", errors.New("the string is not base64")
	case !utf8.Valid(bytes):
		return "", errors.New("the decoded bytes are not UTF-8 text")
	}
	return string(bytes), nil
}

// concat puts lists together. As a whole, they are as secret as what lies in
// them.
func (r *run) concat(lists []esc.Value, args result) result {
	all := []esc.Value{}
	for _, l := range lists {
		elements, _ := l.List()
		all = append(all, elements...)
	}
	args.value = esc.New(all)
	if args.secret {
		args.value = args.value.Sealed()
	}
	return args
}

func (r *run) split(values []esc.Value, args result) result {
	delimiter, _ := values[0].RevealString()
	text, _ := values[1].RevealString()
	var pieces []esc.Value
	for piece := range strings.SplitSeq(text, delimiter) {
		pieces = append(pieces, esc.New(piece))
	}
	return made(esc.New(pieces), args)
}

// read computes fn::fromJSON and fn::fromYAML. No message may quote the text.
func (r *run) read(c *cell, arg esc.Value, args result) result {
	text, _ := arg.RevealString()
	v, err := parseAs(c.expr.fn, text)
	if err != nil {
		r.errorAt(c, err.Error(), "")
		return unknownResult()
	}
	return made(v, args)
}

func parseAs(fn, text string) (esc.Value, error) {
	if fn == "fromYAML" {
		return fromYAML(text)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var raw any
	err := decoder.Decode(&raw)
	if _, end := decoder.Token(); err != nil || !errors.Is(end, io.EOF) {
		return esc.Value{}, errors.New("the string is not JSON")
	}
	return fromPlain(raw), nil
}

// made is a computed value that is as secret as all it was made from, and
// rests on the same.
func made(v esc.Value, from result) result {
	if from.secret {
		v = v.AsSecret()
	}
	x := measure(v)
	x.leases = from.leases
	return x
}
