package eval

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

func count(text string) int {
	c := counter{text: []byte(text)}
	for c.next() {
	}
	return max(c.scalars, c.entries, c.anchors, c.tags)
}

func nodes(n *yaml.Node) int {
	sum := 1
	for _, child := range n.Content {
		sum += nodes(child)
	}
	return sum
}

// What is text, however it looks, is not counted.
func TestOnlyNodesAreCounted(t *testing.T) {
	items := strings.Repeat("- a, b: [c, d]\n", 100)
	indented := "\n   " + strings.ReplaceAll(items, "\n", "\n   ")
	for name, text := range map[string]string{
		"literal":              "a: |" + indented + "\nb: 1\n",
		"literal in a list":    "a:\n- |" + indented + "\n- 1\n",
		"literal with header":  "a: |1-" + indented + "\nb: 1\n",
		"literal, then folded": "a:\n  b: >-\n\n" + indented + "\n  c: |+\n\n  d: 1\n",
		"double quotes":        "a: \"" + items + "\\\"" + items + "\"\n",
		"single quotes":        "a: '" + items + "''" + items + "'\n",
		"plain":                "a: x" + indented[:9] + strings.ReplaceAll(indented, ":", "") + "\nb: 1\n",
		"comment":              "a: 1 #" + strings.ReplaceAll(items, "\n", "") + "\n# [a, b]\n",
		"a quote inside":       "a: it's [a], \"b\"\nb: 'x'\n",
	} {
		if got := count(text); got > 10 {
			t.Errorf("%s: %d nodes are counted", name, got)
		}
	}
}

// Nobody gets far with what costs most.
func TestManyNodesAreCounted(t *testing.T) {
	const n = 10_000
	for _, repeated := range []string{"- a\n", "a:\n", "a: b\n", "? a\n", "- - - -\n", "- {a: b}\n", "- 'x'\n", "a: |\n  b\n"} {
		if got := count(strings.Repeat(repeated, n)); got < n {
			t.Errorf("%q: %d", repeated, got)
		}
	}
	for _, repeated := range []string{"a,", "'a',", "? ,", "{},", "a: ,", "[a],", "&a ,", "!a ,"} {
		if got := count("[" + strings.Repeat(repeated, n) + "]"); got < n {
			t.Errorf("%q: %d", repeated, got)
		}
	}
}

// What is certainly too long a value is not read: only what has no blank and no
// quotes, which may stand for less, is certain.
func TestLongPiecesAreFound(t *testing.T) {
	long := strings.Repeat("1", maxValue+1)
	for _, test := range []struct {
		text string
		at   int
	}{
		{"values: {a: x, b: " + long + "}", 18},
		{"values:\n  a: x y" + long + " z\n", 15},
		{"values: {a: x, b: " + long[1:] + "}", -1},
		{"values: {a: '" + long + "'}", -1},
		{"values: {a: " + strings.Repeat("1 ", maxValue) + "}", -1},
		{"values: {a: 1} # " + long, -1},
		{"values:\n  a: |\n    " + long, -1},
	} {
		if at, why := crowded([]byte(test.text)); at != test.at || (why != "") != (at >= 0) {
			t.Errorf("%.20q: found at %d, %q; want %d", test.text, at, why, test.at)
		}
	}
}

// FuzzCount: never more are counted than there are.
func FuzzCount(f *testing.F) {
	for _, name := range []string{"builtins", "mistakes", "mistakes_computed", "references", "secrets", "roots", "yaml", "numbers"} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	for _, seed := range []string{
		"a: |\n  x: [1, 2]\n\n  - y\nb: >2-\n    z: 1\n", "- - a\n  - b: c\n    d: e\n- ? f\n  : g\n", "a: b\n  c: d", "{a: [b, {c: d}], 'e': \"f\\\"\", ? g}",
		"a: x\n  - y\n  - z\n", "\"a\": 'it''s'\n", "--- !t\na: &x 1\n...\n---\nb: *x\n", "a:\r\n- b\r\n- c # d\r\n", "é: - x\n", "- |\n\n\n  a\n b\n", "? |\n  a\n: - b\n", "a: !<x,y> b\n", "&a \ufeff''it''s'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, err := document([]byte(text))
		if err != nil || root == nil {
			return
		}
		if got, there := count(text), nodes(root); got > there {
			t.Errorf("%q has %d nodes, and %d are counted", text, there, got)
		}
	})
}
