package conformance

import (
	"encoding/base64"

	"go.yaml.in/yaml/v3"
)

// call writes a built-in function that gives a form, nil if there is none. over
// says that it will be merged over an object: what fn::final and fn::validate
// give is not, upstream.
func (g *generator) call(want form, depth int, over bool) (*yaml.Node, *shape) {
	if g.IntN(4) == 0 && (!over || want != formObject) {
		return g.passing(want, depth)
	}
	switch want {
	case formString:
		return g.stringCall(depth), scalar(formString)
	case formList:
		return g.listCall(depth)
	case formObject:
		return g.objectCall(depth)
	default:
		return nil, nil
	}
}

func (g *generator) fn(name string, argument *yaml.Node) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
	g.set(node, "fn::"+name, argument)
	return node
}

// passing writes a function that gives what it gets.
func (g *generator) passing(want form, depth int) (*yaml.Node, *shape) {
	choice := g.IntN(4)
	if choice == 0 && g.handed == 0 {
		node, s := g.make(want, depth, nil) // over nothing: see testdata/regressions/final_object_merges.txtar
		s = copied(s)
		s.final = true
		return g.fn("final", node), s
	}
	g.handed++
	node, s := g.make(want, depth, nil)
	g.handed--
	switch {
	case choice == 1:
		arguments := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
		g.set(arguments, "schema", g.rule(s))
		g.set(arguments, "value", node)
		return g.fn("validate", arguments), s
	case choice == 2 && want == formList:
		return g.fn("concat", g.sequence(node)), s
	}
	return g.fn("fromJSON", g.fn("toJSON", node)), mere(s)
}

// mere is s with nothing final in it.
func mere(s *shape) *shape {
	out := copied(s)
	out.final = false
	for i, item := range out.items {
		out.items[i] = mere(item)
	}
	for name, field := range out.fields {
		out.fields[name] = mere(field)
	}
	return out
}

// rule is a schema that s is right by.
func (g *generator) rule(s *shape) *yaml.Node {
	names := map[form]string{formNull: "null", formBool: "boolean", formNumber: "number", formString: "string", formList: "array", formObject: "object"}
	schema := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
	g.set(schema, "type", g.text(names[s.form]))
	switch s.form {
	case formList:
		g.set(schema, "items", plainNode("!!bool", "true"))
	case formObject:
		g.set(schema, "additionalProperties", plainNode("!!bool", "true"))
	default: // a type is all there is to it
	}
	return schema
}

func (g *generator) sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items, Style: g.flow()}
}

func (g *generator) anything(depth int) (*yaml.Node, *shape) {
	return g.make(one(g, formNull, formBool, formNumber, formString, formList, formObject), depth, nil)
}

func (g *generator) someString(depth int) *yaml.Node {
	node, _ := g.make(formString, depth, nil)
	return node
}

func (g *generator) stringCall(depth int) *yaml.Node {
	switch g.IntN(9) {
	case 0, 1:
		return g.secret()
	case 2:
		return g.fn("join", g.sequence(g.someString(depth), g.strings(depth)))
	case 3:
		return g.fn("toBase64", g.someString(depth))
	case 4:
		return g.fn("fromBase64", g.fn("toBase64", g.someString(depth)))
	case 5:
		return g.fn("fromBase64", g.text(base64.StdEncoding.EncodeToString([]byte(one(g, "", "hello", "世界", "a\nb")))))
	}
	name := one(g, "toJSON", "toYAML", "toString")
	if name == "toYAML" {
		g.yaml++
		defer func() { g.yaml-- }()
	}
	node, _ := g.anything(depth)
	return g.fn(name, node)
}

// secret is a plaintext, or the suite's kind of ciphertext.
func (g *generator) secret() *yaml.Node {
	text := one(g, "hunter2", "pa$$word", "s3cr3t", "", "multi\nline", "世界", "a b", "$x")
	if g.IntN(3) > 0 {
		return g.fn("secret", g.text(text))
	}
	argument := &yaml.Node{Kind: yaml.MappingNode}
	g.set(argument, "ciphertext", g.text(seal(text+"-sealed")))
	return g.fn("secret", argument)
}

// strings is a list of nothing but strings.
func (g *generator) strings(depth int) *yaml.Node {
	if g.IntN(3) == 0 {
		path, _ := g.path(func(s *shape) bool {
			if s.form != formList || !s.referable() {
				return false
			}
			for _, item := range s.items {
				if item.form != formString {
					return false
				}
			}
			return true
		})
		if path != "" {
			return g.text("${" + path + "}")
		}
	}
	list := g.sequence()
	for range g.IntN(4) {
		list.Content = append(list.Content, g.someString(depth))
	}
	return list
}

func (g *generator) listCall(depth int) (*yaml.Node, *shape) {
	s := scalar(formList)
	if g.IntN(2) == 0 {
		s.items = []*shape{scalar(formString)} // at least
		delimiter := g.text(one(g, ",", " ", "-", "ab"))
		return g.fn("split", g.sequence(delimiter, g.someString(depth))), s
	}
	g.handed++
	defer func() { g.handed-- }()
	lists := g.sequence()
	for range 1 + g.IntN(3) {
		node, list := g.make(formList, depth, nil)
		lists.Content, s.items = append(lists.Content, node), append(s.items, list.items...)
	}
	return g.fn("concat", lists), s
}

func (g *generator) objectCall(depth int) (*yaml.Node, *shape) {
	switch g.IntN(6) {
	case 0:
		return g.rotation(depth)
	case 1:
		if g.yaml > 0 {
			return nil, nil
		}
		text := one(g, `{"a": {"b": [1, "x", null, true]}, "c": 2.5}`, `{"a b": 1}`, `{}`, `{"世界": "é\u0301\u0000"}`, `{"a": 1, "a": 2}`)
		return g.fn("fromJSON", g.text(text)), withNumbers()
	}
	inputs, s := g.object(depth, nil)
	s = mere(s)
	provider := one(g, "test", "test", "secret-wrapper")
	if g.IntN(2) == 0 {
		return g.fn("open::"+provider, inputs), s
	}
	argument := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
	g.set(argument, "provider", g.text(provider))
	g.set(argument, "inputs", inputs)
	return g.fn("open", argument), s
}

// withNumbers is an object of which is known that there are numbers in it.
func withNumbers() *shape {
	s := newObject()
	s.items = []*shape{scalar(formNumber)}
	return s
}

// rotation is a rotator of the suite with its state.
func (g *generator) rotation(depth int) (*yaml.Node, *shape) {
	state := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
	argument := &yaml.Node{Kind: yaml.MappingNode}
	names := []string{"a", "b"}
	rotator := one(g, "swap", "echo")
	inputs := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	if rotator == "echo" {
		names = []string{"current", "previous"}
		g.set(inputs, "next", g.someString(depth))
	}
	s := newObject()
	for _, name := range names {
		g.set(state, name, g.someString(depth))
		s.fields[name] = scalar(formString)
	}
	g.set(argument, "inputs", inputs)
	g.set(argument, "state", state)
	if g.IntN(2) == 0 {
		return g.fn("rotate::"+rotator, argument), s
	}
	g.set(argument, "provider", g.text(rotator))
	return g.fn("rotate", argument), s
}
