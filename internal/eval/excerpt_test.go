package eval_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// excerpts says what Lint quotes of a text: before<range>after.
func excerpts(text string) (out []string) {
	for _, d := range eval.Lint(&eval.Source{Name: "shop/dev", Text: []byte(text)}) {
		e := d.Excerpt
		out = append(out, e.Before+"<"+e.Marked+">"+e.After)
	}
	return out
}

func TestExcerpts(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for name, test := range map[string]struct {
		text string
		want []string // nil if only the secret matters
	}{
		"the range is marked":        {"values:\n  a: x ${b.} y\n", []string{"  a: x ${b<.>} y"}},
		"in quotes":                  {"values:\n  a: \"x ${b.}\" # why\n", []string{`  a: "x ${b<.>}" # why`}},
		"several errors":             {"values:\n  a: ${\n  a: 1\n", []string{"  a: <${>", "  <a>: 1"}},
		"lines of Windows":           {"values:\r\n  a: ${\r\n", []string{"  a: <${>"}},
		"long lines are cut":         {"values:\n  a: " + long + "${" + long + "\n", []string{"…" + long[:320] + "<${" + long[:316] + "…>"}},
		"not YAML":                   {"values:\n  a: [1\n  b: 2\n", []string{"  a: [<>1"}},
		"a secret beside it":         {"values:\n  a: {p: {fn::secret: hunter2}, q: '${'}\n", []string{"  a: {p: {fn::secret: [secret] q: <'${'>}"}},
		"a secret that is wrong":     {"values:\n  a: {fn::secret: 'hunter2${'}\n", []string{"  a: {fn::secret: <[secret]>[secret]"}},
		"a call that is misspelled":  {"values:\n  a: {fn::secert: hunter2}\n", []string{"  a: {<fn::secert>: [secret]"}},
		"another call, misspelled":   {"values:\n  a: {fn::jion: [x]}\n", []string{"  a: {<fn::jion>: [x]}"}},
		"no call at all":             {"values:\n  a: {fn::hide: hunter2}\n", []string{"  a: {<fn::hide>: [secret]"}},
		"one colon":                  {"values:\n  a: {fn:secret: hunter2}\n  <<: 1\n", []string{"  <<<>: 1"}},
		"a list of secrets":          {"values:\n  a:\n    fn::secret: [hunter2, x]\n  b: ${\n", nil},
		"lines of a secret":          {"values: {a: {fn::secret: \"hunter2\n  hunter2\"}, b: \"${\"}\n", []string{`  [secret] b: <"${">}`}},
		"what follows a secret":      {"values:\n  a:\n  - fn::secret: hunter2\n  - ${\n", []string{"  - <${>"}},
		"beside another call":        {"values:\n  a: {fn::join: 1, fn::secret: hunter2}\n", nil},
		"a comment on a secret":      {"values:\n  a: ${ # {fn::secret: hunter2}\n", []string{"  a: <${> [secret]"}},
		"not YAML, before a secret":  {"values:\n  a: [1\n  b: {fn::secret: hunter2}\n", []string{"  a: [<>1"}},
		"not YAML, behind a secret":  {"values:\n  b: {fn::secret: hunter2}\n  a: [1\n", []string{"<>"}},
		"no definition":              {"ghp_hunter2", []string{"<>"}},
		"no definition, but YAML":    {"token: hunter2", []string{"<>"}},
		"no definition, and no YAML": {"[default]\nkey = hunter2\n", []string{"<>"}},
		"a call of something else":   {"values:\n  a: {f::secret: \"hunter2${\"}\n", nil},
		"the same, commented out":    {"values:\n  a: ${ # f::secret: hunter2\n", []string{"  a: <${> [secret]"}},
		"a line that YAML counts":    {"values:\n  a: \"\u0085\"\n  b: ${\n  c: {fn::secret: hunter2}\n", []string{"<>"}},
		"a paragraph":                {"values:\n  a: \"\u2029\"\n  b: ${\n  c: {fn::secret: hunter2}\n", []string{"<>"}},
		"half a line of Windows":     {"values:\n  a: \"\r\"\n  b: ${\n  c: {fn::secret: hunter2}\n", []string{"<>"}},
		"an unknown key":             {"token: hunter2\nvalues: {}\n", []string{"<token>: [secret]"}},
		"not UTF-8":                  {"values:\n  a: \xff\n", []string{"<>"}},
	} {
		got := excerpts(test.text)
		if diff := cmp.Diff(test.want, got); diff != "" && test.want != nil {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if strings.Contains(strings.Join(got, ""), "hunter2") {
			t.Errorf("%s: %q shows a secret", name, got)
		}
	}
}

// What imports and providers have to say comes with its line, too.
func TestExcerptsOfOtherDefinitions(t *testing.T) {
	e := &eval.Evaluator{Loader: &definitions{texts: map[string]string{
		"shop/dev":  "imports: [shop/base]\nvalues:\n  a: ${b.c}\n",
		"shop/base": "values:\n  b: {d: 1, e: \"${nope}\", f: {fn::open::login: {user: 7, token: {fn::secret: hunter2}}}}\n",
	}}, Providers: map[string]esc.Provider{"login": login{}}}
	_, err := e.Check(t.Context(), request(t, "shop/dev", 0).Refs[0])
	diags, ok := err.(esc.Diagnostics)
	if !ok || len(diags) != 4 {
		t.Fatalf("%v", err)
	}
	var got []string
	for _, d := range diags {
		got = append(got, d.Position.String()+" in "+d.Excerpt.Before)
	}
	want := []string{
		`shop/base:2:19 in   b: {d: 1, e: "${`,
		`shop/base:2:55 in   b: {d: 1, e: "${nope}", f: {fn::open::login: {user: `,
		`shop/base:2:65 in   b: {d: 1, e: "${nope}", f: {fn::open::login: {user: 7, token: `,
		"shop/dev:3:9 in   a: ${b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzExcerptsHideSecrets: wherever fn::secret stands in a text, and whatever
// is wrong with that, no excerpt shows its plaintext.
func FuzzExcerptsHideSecrets(f *testing.F) {
	f.Add("values:\n  a: {", "", "}\n  b: ${")
	f.Add("values: {b: '${', a: {", "\"", "\n more\", x: 1}, c: '${'}")
	f.Add("values:\n  ? ", "", "\n  : 1\n")
	f.Add("values:\n  a:\n    ", "|\n      ", "\n  b: [")
	f.Fuzz(func(t *testing.T, before, quote, after string) {
		const plain = "hunter2"
		if strings.Contains(before+quote+after, plain) {
			return
		}
		text := before + "fn::secret: " + quote + plain + after
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(text), &root); err == nil && !underSecret(&root, plain, false) {
			return // it ended up elsewhere, in a comment or in other text
		}
		for _, got := range excerpts(text) {
			if strings.Contains(got, plain) || !utf8.ValidString(got) {
				t.Errorf("%q shows %q", text, got)
			}
		}
	})
}

// underSecret reports whether plain is in a value of fn::secret.
func underSecret(n *yaml.Node, plain string, within bool) bool {
	if n.Kind == yaml.ScalarNode {
		return within && strings.Contains(n.Value, plain)
	}
	for i, child := range n.Content {
		secret := n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "fn::secret"
		if underSecret(child, plain, within || secret) {
			return true
		}
	}
	return false
}
