package eval_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// Every limit is an error with a place, and none is met in memory or time.
func TestLimits(t *testing.T) {
	many := strings.Repeat
	doubling := func(first, next string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "values:\n  a0: %s\n", first)
		for i := 1; i < 60; i++ {
			fmt.Fprintf(&b, "  a%d: %s\n", i, strings.ReplaceAll(next, "@", fmt.Sprintf("${a%d}", i-1)))
		}
		return b.String()
	}
	chain := func(n int) string {
		var b strings.Builder
		b.WriteString("values:\n")
		for i := range n {
			fmt.Fprintf(&b, "  a%d: ${a%d}\n", i, i+1)
		}
		return b.String() + fmt.Sprintf("  a%d: 1\n", n)
	}
	tests := []struct{ name, text, want string }{
		{"text", "description: " + many("x", 1<<20), "larger than 1024 KiB"},
		{"open brackets", many("[", 40_000), "nested deeper than 64"},
		{"brackets", "values: {a: " + many("[", 63) + many("]", 63) + "}", "nested deeper than 64"},
		{"dashes", many("- ", 30_000), "nested deeper than 64"},
		{"keys in keys", many("? ", 30_000), "nested deeper than 64"},
		{"nodes", "values: [" + many("a,", 50_000) + "]", "more than 50000 nodes"},
		{"many brackets", many("[", 1<<20), "more than 50000 nodes"},
		{"many dashes", many("- ", 1<<19), "more than 50000 nodes"},
		{"many lines", many("a:\n", 1<<18), "more than 50000 nodes"},
		{"nodes in values", "values: {a: [" + many("a,", 50_000) + "]}", "more than 50000 nodes"},
		{"value", "values: {a: " + many("x", 256<<10+1) + "}", "larger than 256 KiB"},
		{"key", "values: {" + many("x", 5000) + ": 1}", "not YAML"},
		{"quoted key", "values: {? " + many("x", 5000) + " : 1}", "longer than 4096 bytes"},
		{"text that doubles", doubling("xx", `"@@"`), "larger than 256 KiB"},
		{"list that doubles", doubling("[x]", `["@", "@"]`), "larger than 4096 KiB"},
		{"object that doubles", doubling("{x: 1}", `{l: "@", r: "@"}`), "larger than 4096 KiB"},
		{"quotes that double", doubling("[x]", `["${a0}", {fn::toString: ["@"]}]`), "larger than 256 KiB"},
		{"value that nests", strings.Replace(doubling("[x]", `["@"]`), "a1:", "b1:", 1), "unknown property"},
		{"references", chain(15_000), "too many steps"},
		{"not text", "values: {a: \xff}", "not UTF-8"},
		{"a NUL", "values: {a: \x00}", "not YAML"},
	}
	for _, test := range tests {
		loader := &definitions{texts: map[string]string{"shop/dev": test.text}}
		_, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "shop/dev:") {
			said := fmt.Sprint(err)
			t.Errorf("%s: %s; want %q with a place", test.name, said[:min(len(said), 300)], test.want)
		}
	}
}

// What a small text makes of a large value, again and again, fits into memory
// and time together, not only one by one.
func TestManyLargeValues(t *testing.T) {
	repeated := func(value, each string) string {
		text := "values:\n  s: \"" + strings.Repeat(value, 100_000/len(value)) + "\"\n"
		for i := range 1000 {
			text += fmt.Sprintf("  v%d: %s\n", i, strings.ReplaceAll(each, "#", strconv.Itoa(i)))
		}
		return text
	}
	for _, test := range []struct{ text, want string }{
		{repeated("a", `"${s}#"`), "too many steps to compute"},
		{repeated("a", `{fn::toBase64: "${s}#"}`), "too many steps to compute"},
		{repeated("a,", `{fn::split: [",", "${s}"]}`), "too many steps to compute"},
		{repeated("a", `{fn::validate: {schema: {pattern: "^a{0,900}#?"}, value: "${s}"}}`), "too many steps to check"},
	} {
		loader := &definitions{texts: map[string]string{"shop/dev": test.text}}
		_, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			said := fmt.Sprint(err)
			t.Errorf("%s; want %q", said[:min(len(said), 300)], test.want)
		}
	}
}

func TestManyImports(t *testing.T) {
	wide, deep := map[string]string{}, map[string]string{}
	var list []string
	for i := range 1100 {
		name := fmt.Sprintf("shop/n%d", i)
		list = append(list, name)
		wide[name] = "values: {}"
		deep[name] = fmt.Sprintf("imports: [shop/n%d]", i+1)
	}
	wide["shop/dev"] = "imports: [" + strings.Join(list, ", ") + "]"
	deep["shop/dev"] = "imports: [shop/n0]"
	deep["shop/n200"] = ""
	for want, texts := range map[string]map[string]string{
		"more than 1000 definitions are imported": wide,
		"imports are nested deeper than 128":      deep,
	} {
		_, err := evaluator(&definitions{texts: texts}).Open(t.Context(), request(t, "shop/dev", 0))
		if err == nil || !strings.Contains(err.Error(), want) || !regexp.MustCompile(`(?m)^shop/\w+:\d+:\d+: `).MatchString(err.Error()) {
			t.Errorf("%v; want %q with a place", err, want)
		}
	}
}

// Each level imports both definitions of the next, so there are 2^30 ways
// down; each definition is loaded and computed once.
func TestDiamondsAreNotWalkedTwice(t *testing.T) {
	const levels = 30
	texts := map[string]string{"shop/dev": "imports: [shop/l0, shop/r0]"}
	for i := range levels {
		next := fmt.Sprintf("imports: [shop/l%d, shop/r%d]", i+1, i+1)
		texts[fmt.Sprintf("shop/l%d", i)] = next + fmt.Sprintf("\nvalues: {k: {a%d: 1}}", i)
		texts[fmt.Sprintf("shop/r%d", i)] = next + fmt.Sprintf("\nvalues: {k: {b%d: 1}}", i)
	}
	texts[fmt.Sprintf("shop/l%d", levels)] = "values: {last: l}"
	texts[fmt.Sprintf("shop/r%d", levels)] = "values: {last: r}"
	loader := &definitions{texts: texts}
	env, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
	if err != nil {
		t.Fatal(err)
	}
	fields, _ := env.Value.Object()
	if got := len(fields["k"].Keys()); got != 2*levels {
		t.Errorf("k has %d properties, want %d", got, 2*levels)
	}
	if last, _ := fields["last"].RevealString(); last != "r" {
		t.Errorf("last is %q, want r: the later import wins", last)
	}
	for name, n := range loader.loads {
		if n != 1 {
			t.Errorf("%s was loaded %d times", name, n)
		}
	}
}

// A definition of nothing but mistakes is answered with as many as anybody
// reads, each found once.
func TestDiagnosticsAreBounded(t *testing.T) {
	var unknown strings.Builder
	unknown.WriteString("values:\n")
	for i := range 5000 {
		fmt.Fprintf(&unknown, "  a%d: ${b%d}\n", i, i)
	}
	for _, text := range []string{unknown.String(), "values:\n" + strings.Repeat("  a: 1\n", 20_000)} {
		loader := &definitions{texts: map[string]string{"shop/dev": text}}
		_, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		var diags esc.Diagnostics
		if !errors.As(err, &diags) || len(diags) != 100 {
			t.Errorf("%d diagnostics, want 100", len(diags))
		}
	}
}

func TestLint(t *testing.T) {
	diags := eval.Lint(&eval.Source{Name: "a/b", File: "/home/x/b.yaml", Text: []byte("valeus: 1\nvalues: {a: '${x}', b: '${'}")})
	want := `/home/x/b.yaml:1:1-7: warning: unknown key "valeus": it is ignored (did you mean values?) [valeus]
/home/x/b.yaml:2:24-28: error: ${ is not closed: a } is missing (write $${ for a literal ${) [values.b]
`
	if got := report(diags, nil); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}
