package eval

import (
	"slices"
	"strings"
	"testing"
)

// FuzzPath: a property path is steps, which write the same path again, or is
// refused.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"a", "a.b[0]", `a["b c"].d`, `["x"]`, `a["q\"q"][12]`, "aws:region", "a-b.0", ".a", "a..b", "[0]", "a[", `a["`, "a[-1]", "a b", "", "é.世界",
		`values.x["fn::open::test"].some-input`, "a[99999999999999999999]", "a]", `a["\\"]`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parsePath(text)
		if err != nil || strings.Contains(text, `\`) { // a name that ends in a backslash cannot be written
			return
		}
		var again strings.Builder
		for _, s := range steps {
			again.WriteString(s.String())
		}
		back, err := parsePath(again.String())
		if err != nil || !slices.EqualFunc(steps, back, func(a, b step) bool { return a.String() == b.String() }) {
			t.Errorf("%q is written as %q, which is %v, %v", text, again.String(), back, err)
		}
		if first := steps[0]; first.isIndex || slices.ContainsFunc(steps, func(s step) bool { return !s.isIndex && s.name == "" || s.index < 0 }) {
			t.Errorf("%q has the steps %v", text, steps)
		}
	})
}
