package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A generator writes definitions that use all of the language. It keeps the
// shapes of what it has written, so that most of them can be opened; some hold
// a mistake on purpose.
type generator struct {
	*rand.Rand
	texts    map[string]string
	shapes   map[string]*shape // of the definitions written, by name
	names    []string          // of the definitions written
	mistakes int               // how many are still to be made
	yaml     int               // how many fn::toYAML are around: no numbers there
	handed   int               // how many functions are around that hand on what they get: nothing final there, and no object that may merge later

	// of the definition that is being written
	name    string
	imports map[string]*shape // by name
	own     *shape            // its values, as far as they are written, over what it merges
}

// generate returns the question of a seed, always the same.
func generate(seed uint64) question {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), texts: map[string]string{}, shapes: map[string]*shape{}}
	if g.IntN(8) == 0 {
		g.mistakes = 1 + g.IntN(2)
	}
	for range g.IntN(5) {
		g.definition(fmt.Sprintf("p/%c", 'a'+rune(len(g.names))))
	}
	g.definition("p/root")
	return question{Root: "p/root", Text: g.texts["p/root"], Texts: g.texts}
}

// one picks one of choices.
func one[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) definition(name string) {
	g.name, g.imports, g.own = name, map[string]*shape{}, newObject()
	root := &yaml.Node{Kind: yaml.MappingNode}
	if g.IntN(5) == 0 {
		g.set(root, "description", g.text("what it is"))
	}
	if imports := g.importList(); len(imports.Content) > 0 {
		g.set(root, one(g, "imports", "imports", "Imports"), imports)
	}
	values := &yaml.Node{Kind: yaml.MappingNode}
	for range 1 + g.IntN(7) {
		g.property(values, g.own, 0)
	}
	g.spoilDefinition(root, values)
	g.Shuffle(len(values.Content)/2, func(i, j int) {
		for k := range 2 {
			values.Content[2*i+k], values.Content[2*j+k] = values.Content[2*j+k], values.Content[2*i+k]
		}
	})
	g.set(root, "values", values)
	g.texts[name], g.shapes[name] = written(root), g.own
	g.names = append(g.names, name)
}

// importList imports some of what is written, and takes note of what that
// gives.
func (g *generator) importList() *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, i := range g.Perm(len(g.names)) {
		name := g.names[i]
		merge := g.IntN(4) > 0
		switch {
		case g.IntN(3) == 0:
			continue
		case merge && g.IntN(3) > 0:
			list.Content = append(list.Content, g.text(name))
		default:
			options := &yaml.Node{Kind: yaml.MappingNode}
			if !merge || g.IntN(2) == 0 {
				g.set(options, "merge", plainNode("!!bool", fmt.Sprint(merge)))
			}
			item := &yaml.Node{Kind: yaml.MappingNode}
			g.set(item, name, options)
			list.Content = append(list.Content, item)
		}
		g.imports[name] = g.shapes[name]
		if merge {
			g.own = g.shapes[name].over(g.own)
		}
	}
	if g.own.form != formObject || len(g.own.fields) == 0 {
		g.own = newObject()
	}
	g.own = copied(g.own)
	g.own.open = true
	return list
}

// copied is s with fields of its own, all the way down.
func copied(s *shape) *shape {
	out := *s
	out.items = slices.Clone(s.items)
	if s.fields != nil {
		out.fields = map[string]*shape{}
		for name, field := range s.fields {
			out.fields[name] = copied(field)
		}
	}
	return &out
}

func (g *generator) set(object *yaml.Node, key string, value *yaml.Node) {
	object.Content = append(object.Content, g.text(key), value)
}

// property adds a property to an object. shape is what the object has so far,
// what it merges included.
func (g *generator) property(object *yaml.Node, shape *shape, depth int) {
	key, name := g.key(depth)
	for i := 0; i < len(object.Content); i += 2 {
		if object.Content[i].Value == key {
			return
		}
	}
	below := shape.fields[name]
	node, s := g.value(depth+1, below)
	object.Content = append(object.Content, g.text(key), node)
	shape.fields[name] = s.over(below)
}

// key returns a key as it is written and as it is read: only the keys of
// values itself are not interpolated.
func (g *generator) key(depth int) (written, name string) {
	if g.IntN(6) > 0 {
		name = one(g, "a", "b", "c", "d", "e", "name", "region", "zone")
		return name, name
	}
	name = one(g, "a b", "a.b", `q"q`, "世界", "a-b", "34", "true", "é", "a:b", "[0]", "x}y", "~", "- x", "#", "💥", `back\slash`, "1.5", "'", "a,b", "$")
	if g.IntN(6) == 0 && depth > 0 {
		return "$$" + name, "$" + name
	}
	return name, name
}

const maxGeneratedDepth = 5

// value writes any value. below is what it will be merged over, nil if
// nothing.
func (g *generator) value(depth int, below *shape) (*yaml.Node, *shape) {
	if node, s := g.mistake(depth); node != nil {
		return node, s
	}
	switch {
	case below != nil && below.final: // what upstream ignores can be referred to, if it is an object or a list
		return g.text(one(g, "", "ignored")), scalar(formString)
	case below != nil && below.hasFinal(): // a computed object overrides what is final in it, upstream
		return g.object(depth, below)
	case below != nil && below.form == formObject && g.IntN(3) > 0:
		return g.object(depth, below)
	}
	if depth == 1 && below == nil && g.IntN(40) == 0 {
		return plainNode("", one(g, "1.10", "0x1F", "017", "1_000", "+5", ".5", "1e3", "-0", "1e400000", "123456789012345678901234567890", "0b11", "0o7", "-0.0")), scalar(formOdd)
	}
	if depth == 1 && below == nil && g.IntN(40) == 0 {
		return g.text("\n begins with a line break"), scalar(formOdd)
	}
	if depth == 1 && below == nil && g.IntN(40) == 0 {
		node, _ := g.anything(depth)
		return g.fn("toYAML", node), scalar(formOdd) // upstream puts numbers in quotes
	}
	want := one(g, formNull, formBool, formNumber, formString, formString, formString, formList, formObject, formObject)
	return g.make(want, depth, below)
}

// make writes a value of a form.
func (g *generator) make(want form, depth int, below *shape) (*yaml.Node, *shape) {
	if want == formNumber && g.yaml > 0 {
		want = formString
	}
	if g.IntN(3) == 0 {
		if node, s := g.reference(want); node != nil {
			return node, s
		}
	}
	over := below != nil && below.form == formObject
	if depth < maxGeneratedDepth && g.IntN(3) == 0 {
		if node, s := g.call(want, depth+1, over); node != nil {
			return node, s
		}
	}
	switch want {
	case formBool:
		return plainNode("!!bool", one(g, "true", "false")), scalar(formBool)
	case formNumber:
		return plainNode("", one(g, "0", "1", "-7", "42", "3.14", "-0.5", "1e+21", "9223372036854775807", "18446744073709551615", "1e-07")), scalar(formNumber)
	case formString:
		return g.stringNode(depth), scalar(formString)
	case formList:
		return g.list(depth)
	case formObject:
		return g.object(depth, below)
	default:
		return plainNode("!!null", one(g, "null", "~")), scalar(formNull)
	}
}

func (g *generator) list(depth int) (*yaml.Node, *shape) {
	node, s := &yaml.Node{Kind: yaml.SequenceNode, Style: g.flow()}, scalar(formList)
	for range g.IntN(4) {
		item, itemShape := g.value(depth+1, nil)
		if depth >= maxGeneratedDepth {
			item, itemShape = g.stringNode(depth), scalar(formString)
		}
		node.Content, s.items = append(node.Content, item), append(s.items, itemShape)
	}
	return node, s
}

// object writes an object literal over what is below.
func (g *generator) object(depth int, below *shape) (*yaml.Node, *shape) {
	node, s := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}, newObject()
	if below != nil && below.form == formObject {
		s = copied(below)
	}
	s.open, s.final = true, false
	if depth < maxGeneratedDepth {
		for range g.IntN(5) {
			g.property(node, s, depth)
		}
	}
	s.open = false
	return node, s
}

func (g *generator) flow() yaml.Style {
	if g.IntN(3) == 0 {
		return yaml.FlowStyle
	}
	return 0
}

func plainNode(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// text is a string in one of YAML's spellings.
func (g *generator) text(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch g.IntN(6) {
	case 0:
		node.Style = yaml.DoubleQuotedStyle
	case 1:
		node.Style = yaml.SingleQuotedStyle
	}
	return node
}

// stringNode is a string with or without references in it.
func (g *generator) stringNode(int) *yaml.Node {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(one(g, "", "x", "hello", "two words", "$$", "$", "a$b", "$${", "世界", "é\u0301", "💥", "a\nb", "\t", " ", "1.0", "true", "null", `"quoted"`, `back\slash`,
			"{\"a\": [1, 2.50, null]}", "<&>", "\u2028", "a: b", "- c", "# d", "'", "%", "\u00a0", "a\r\nb", "~", "&x", "*y", "!z", "}", "$}", "\x7f"))
		if strings.HasSuffix(b.String(), "${") {
			b.WriteString("x}")
		}
		if g.IntN(3) == 0 {
			if path, _ := g.path(func(s *shape) bool { return s.referable() }); path != "" {
				b.WriteString("${" + path + "}")
			}
		}
	}
	text := b.String()
	node := g.text(text)
	if strings.Contains(text, "\n") && g.IntN(2) == 0 {
		node.Style = one(g, yaml.LiteralStyle, yaml.FoldedStyle)
	}
	return node
}

// reference is a typed copy of something of a form, nil if there is none.
func (g *generator) reference(want form) (*yaml.Node, *shape) {
	path, s := g.path(func(s *shape) bool {
		return s.form == want && s.referable() && (g.yaml == 0 || !s.has(formNumber)) && (g.handed == 0 || s.isPassable())
	})
	if path == "" {
		return nil, nil
	}
	return g.text("${" + path + "}"), copied(s) // as final as s
}

func written(root *yaml.Node) string {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		panic(err)
	}
	return b.String()
}
