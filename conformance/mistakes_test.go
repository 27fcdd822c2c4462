package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.yaml.in/yaml/v3"
)

// seal writes a ciphertext as the suite's encryption would.
func seal(text string) string {
	var b bytes.Buffer
	b.WriteString("escx\x00\x00\x00\x01")
	b.Write(turn([]byte(text)))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(b.Bytes(), crc32.ChecksumIEEE(b.Bytes())))
}

// mistake writes something wrong, now and then, as long as mistakes are left.
func (g *generator) mistake(depth int) (*yaml.Node, *shape) {
	if g.mistakes == 0 || depth > maxGeneratedDepth || g.IntN(8) > 0 {
		return nil, nil
	}
	g.mistakes--
	if g.IntN(2) == 0 {
		return g.text(g.badText()), scalar(formOdd)
	}
	return g.badCall(depth), scalar(formOdd)
}

func (g *generator) badText() string {
	object, _ := g.path(func(s *shape) bool { return s.form == formObject })
	list, _ := g.path(func(s *shape) bool { return s.form == formList })
	text, _ := g.path(func(s *shape) bool { return s.form == formString })
	key, _ := g.key(0)
	return one(g,
		"${nowhere}", "${"+object+".nowhere}", "${"+object+"[0]}", "${"+list+"[99]}", "${"+list+".name}", "${"+list+"[-1]}", "${"+text+".name}", "${"+text+"[0]}",
		"${", "${a", "${a[", "${a[\"", "${a[\"b\"}", "${}", "${[0]}", "${a b}", "${a..b}", "${a[x]}", "${a[99999999999999999999]}", "${ a}", "${a }", "${a[\"\"]}", "${a]}",
		"${"+key+"}", "text ${"+key+".a} text", "${imports}", "${imports.nobody}", "${imports[\"p/a\"].nowhere}", "${environments}", "${environments.p}", "${environments.p.nobody.x}",
		"${environments."+"p."+g.name[2:]+"}", "${context}", "${context.nowhere}", "${context.rootEnvironment}")
}

func (g *generator) badCall(depth int) *yaml.Node {
	object := func(pairs ...string) *yaml.Node {
		node := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
		for i := 0; i < len(pairs); i += 2 {
			g.set(node, pairs[i], g.text(pairs[i+1]))
		}
		return node
	}
	any1, _ := g.anything(depth)
	any2, _ := g.anything(depth)
	name := one(g, "join", "split", "concat", "toBase64", "fromBase64", "fromJSON", "secret", "open", "open::test", "open::schema", "open::error", "rotate", "rotate::swap", "rotate::echo", "validate",
		"nope", "Secret", "TOJSON", "", "open::", "open::nobody", "rotate::nobody")
	switch g.IntN(6) {
	case 0:
		return object("fn::"+name, "x", "other", "y")
	case 1:
		return object("FN::"+name, "x")
	case 2:
		return g.fn("validate", &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			g.text("schema"), object("type", one(g, "string", "number", "boolean", "null", "array", "object", "nothing")), g.text("value"), any1,
		}})
	case 3:
		return g.fn(name, g.sequence(any1, any2))
	case 4:
		return g.fn(name, object(one(g, "provider", "inputs", "state", "ciphertext", "why", "string"), one(g, "test", "swap", "AAAA", "${nowhere}")))
	}
	return g.fn(name, any1)
}

// spoilDefinition makes a mistake in a whole definition.
func (g *generator) spoilDefinition(root, values *yaml.Node) {
	if g.mistakes == 0 || g.IntN(4) > 0 {
		return
	}
	g.mistakes--
	switch g.IntN(6) {
	case 0:
		g.set(root, one(g, "imports", "IMPORTS"), g.sequence(g.text(one(g, "p/nobody", g.name, "p/root", "p/b", ""))))
	case 1:
		g.set(values, one(g, "fn::secret", "imports", "context", "environments", "fn::x", "FN::x"), g.text("x"))
	case 2:
		if len(values.Content) > 0 {
			values.Content = append(values.Content, values.Content[:2]...)
		}
	case 3:
		g.set(root, one(g, "valeus", "description", "values", "x"), g.text("x"))
	case 4: // cycles, maybe
		for i := range 2 + g.IntN(2) {
			g.set(values, fmt.Sprintf("cycle%d", i), g.text(fmt.Sprintf(one(g, "${cycle%d}", "x ${cycle%d.x}", "${cycle%d.cycle0}"), g.IntN(3))))
		}
	default:
		g.set(root, "imports", one(g, g.text("p/a"), g.sequence(g.sequence(g.text("p/a"))), g.sequence(plainNode("", "1"))))
	}
}
