package conformance

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A suiteCase is one case of upstream's suite.
type suiteCase struct {
	name     string
	question question
	expected expected
}

// expected is what upstream's suite says about a case.
type expected struct {
	LoadDiags        []upstreamDiagnostic `json:"loadDiags"`
	CheckDiags       []upstreamDiagnostic `json:"checkDiags"`
	CheckJSON        any                  `json:"checkJson"`
	EvalDiags        []upstreamDiagnostic `json:"evalDiags"`
	EvalJSONRedacted any                  `json:"evalJsonRedacted"`
	EvalJSONRevealed any                  `json:"evalJSONRevealed"`
	RotateDiags      []upstreamDiagnostic `json:"rotateDiags"`
	RotateJSON       any                  `json:"rotateJson"`
	RotatePatches    []struct {
		DocPath     string
		Replacement upstreamValue
	} `json:"rotatePatches"`
}

type upstreamDiagnostic struct {
	Severity int
	Summary  string
	Path     string
	Subject  *struct {
		Filename   string
		Start, End struct{ Line, Column int }
	}
}

// An upstreamValue is a value with all that upstream writes about it.
type upstreamValue struct{ Value json.RawMessage }

// plain returns the value alone.
func (v upstreamValue) plain() any {
	var list []upstreamValue
	var object map[string]upstreamValue
	switch {
	case json.Unmarshal(v.Value, &list) == nil:
		out := make([]any, len(list))
		for i, e := range list {
			out[i] = e.plain()
		}
		return out
	case json.Unmarshal(v.Value, &object) == nil:
		out := map[string]any{}
		for name, e := range object {
			out[name] = e.plain()
		}
		return out
	}
	var scalar any
	_ = decode(v.Value, &scalar)
	return scalar
}

func findings(lists ...[]upstreamDiagnostic) []finding {
	var out []finding
	for _, list := range lists {
		for _, d := range list {
			f := finding{Path: d.Path, Summary: d.Summary, Warning: d.Severity > 1}
			if at := d.Subject; at != nil {
				f.File, f.Line, f.Column, f.EndLine, f.End = at.Filename, at.Start.Line, at.Start.Column, at.End.Line, at.End.Column
			}
			out = append(out, f)
		}
	}
	return sorted(out)
}

// suiteDir is where upstream's suite lies in the module cache.
func suiteDir(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/esc").Output()
	if err != nil {
		tb.Fatalf("where upstream's module is: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "eval", "testdata", "eval")
}

// suite finds upstream's cases.
func suite(tb testing.TB) []suiteCase {
	tb.Helper()
	root := suiteDir(tb)
	entries, err := os.ReadDir(root)
	if err != nil {
		tb.Fatal(err)
	}
	var cases []suiteCase
	for _, entry := range entries {
		if entry.Name() != "bench" {
			cases = append(cases, readCase(tb, filepath.Join(root, entry.Name())))
		}
	}
	return cases
}

func readCase(tb testing.TB, dir string) suiteCase {
	tb.Helper()
	c := suiteCase{name: filepath.Base(dir)}
	c.question = question{Root: c.name, Texts: readTexts(tb, dir)}
	c.question.Text = c.question.Texts["env"]
	var overrides struct {
		ShowSecrets     bool
		RootEnvironment string
		Rotate          bool
		RotatePaths     []string
	}
	if text, err := os.ReadFile(filepath.Join(dir, "overrides.json")); err == nil {
		mustDecode(tb, text, &overrides)
	}
	if overrides.RootEnvironment != "" {
		c.question.Root = overrides.RootEnvironment
	}
	c.question.ShowSecrets, c.question.Rotate, c.question.RotatePaths = overrides.ShowSecrets, overrides.Rotate, overrides.RotatePaths
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		tb.Fatal(err)
	}
	mustDecode(tb, text, &c.expected)
	return c
}

// readTexts reads all definitions below dir, by what imports name them.
func readTexts(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		name, isDefinition := strings.CutSuffix(file, ".yaml")
		if err != nil || d.IsDir() || !isDefinition {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err = filepath.Rel(dir, name)
		texts[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return texts
}

func mustDecode(tb testing.TB, text []byte, into any) {
	tb.Helper()
	if err := decode(text, into); err != nil {
		tb.Fatal(err)
	}
}

// suiteSize is how many cases upstream's suite has: a suite that was found
// only in part must not pass.
const suiteSize = 55

// The tiers in which a case is right or not. A case that has nothing to say in
// a tier is right if escenv has nothing to say either.
var tiers = []struct {
	name  string
	want  int // cases that are right; the rest is in differences
	wrong func(context.Context, suiteCase) string
}{
	{"opened, revealed", suiteSize, openedRevealed},
	{"opened, redacted", suiteSize, openedRedacted},
	{"checked", suiteSize, checkedValues},
	{"rotated", suiteSize, rotatedValues},
}

// TestSuite holds escenv against what upstream's suite expects.
func TestSuite(t *testing.T) {
	cases := suite(t)
	if len(cases) != suiteSize {
		t.Fatalf("upstream's suite has %d cases, want %d", len(cases), suiteSize)
	}
	for _, tier := range tiers {
		right := 0
		for _, c := range cases {
			if wrong := tier.wrong(t.Context(), c); wrong != "" {
				t.Logf("%s: %s: %s", tier.name, c.name, wrong)
			} else {
				right++
			}
		}
		t.Logf("%s: %d of %d", tier.name, right, len(cases))
		if right != tier.want {
			t.Errorf("%s: %d of %d cases are right, want %d", tier.name, right, len(cases), tier.want)
		}
	}
}

func openedRevealed(ctx context.Context, c suiteCase) string {
	q := c.question
	q.Rotate = false
	got, err := askOurs(ctx, q)
	return unlike(c.expected.EvalJSONRevealed, got.Revealed, err)
}

func openedRedacted(ctx context.Context, c suiteCase) string {
	q := c.question
	q.Rotate = false
	got, err := askOurs(ctx, q)
	return unlike(c.expected.EvalJSONRedacted, got.Redacted, err)
}

func checkedValues(ctx context.Context, c suiteCase) string {
	q := c.question
	q.Rotate, q.Check = false, true
	got, err := askOurs(ctx, q)
	return unlike(c.expected.CheckJSON, got.Redacted, err)
}

func rotatedValues(ctx context.Context, c suiteCase) string {
	if !c.question.Rotate {
		return ""
	}
	got, err := askOurs(ctx, c.question)
	if wrong := unlike(c.expected.RotateJSON, got.Redacted, err); wrong != "" {
		return wrong
	}
	patches := map[string]any{}
	for _, patch := range c.expected.RotatePatches {
		patches[patch.DocPath] = patch.Replacement.plain()
	}
	return unlike(patches, got.Patches, nil)
}

func unlike(want, got any, err error) string {
	if err != nil {
		return err.Error()
	}
	if object, ok := got.(map[string]any); ok && want == nil && len(object) == 0 {
		return "" // where there is nothing, upstream has no environment and escenv an empty one
	}
	return difference("values", want, got)
}

// TestReference holds the providers that this package gives upstream's
// evaluator against upstream's suite: with them it must answer as expected.
func TestReference(t *testing.T) {
	for _, c := range suite(t) {
		t.Run(c.name, func(t *testing.T) { testReference(t, c) })
	}
}

func testReference(t *testing.T, c suiteCase) {
	ask := func(check, rotate bool) answer {
		q := c.question
		q.Check, q.Rotate = check, rotate
		got, err := askReference(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	opened, checked := ask(false, false), ask(true, false)
	report := func(what, wrong string) {
		if wrong != "" {
			t.Errorf("%s: %s", what, wrong)
		}
	}
	report("revealed", difference("values", c.expected.EvalJSONRevealed, opened.Revealed))
	report("redacted", difference("values", c.expected.EvalJSONRedacted, opened.Redacted))
	report("checked", difference("values", c.expected.CheckJSON, checked.Redacted))
	if c.question.Rotate {
		report("rotated", difference("values", c.expected.RotateJSON, ask(false, true).Redacted))
	}
}
