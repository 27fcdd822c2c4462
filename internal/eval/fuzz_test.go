package eval_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

func seeds(f *testing.F, add func(text string)) {
	f.Helper()
	for _, name := range []string{
		"builtins", "mistakes", "mistakes_computed", "references", "secrets", "roots", "yaml", "alias", "cycles", "ciphertext", "files",
		"merged_text", "outputs", "rotate", "rotate_mistakes", "text", "validate", "validate_mistakes", "whole_secrets",
	} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		add(string(archive.Files[0].Data))
	}
}

// FuzzLint: any bytes are read, and every diagnostic has a place in them.
func FuzzLint(f *testing.F) {
	seeds(f, func(text string) { f.Add([]byte(text)) })
	f.Add([]byte("values: {a: 'x\n\n y', b: \"\\u0000\"}\n--- \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := 1 + strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + strings.Count(string(text), "\u2028") +
			strings.Count(string(text), "\u2029") + strings.Count(string(text), "\u0085")
		for _, d := range eval.Lint(&eval.Source{Name: "x", Text: text}) {
			if d.Line < 1 || d.Line > lines+1 || d.Column < 1 || d.Summary == "" {
				t.Errorf("%q: %+v", text, d)
			}
		}
	})
}

// FuzzInterpolation: a string is read as text and paths, or refused.
func FuzzInterpolation(f *testing.F) {
	for _, seed := range []string{"${a}", "$$${a.b[0]}", `${["x y"]["q\""]}`, "${a", "${}", "${a b}", "${[0]}", "${a[-1]}", "${a[99999999999999999999]}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		source, err := eval.SetValue([]byte("values: {a: {b: [x]}}"), "t", text, eval.SetOptions{String: true})
		if err != nil {
			return
		}
		loader := &definitions{texts: map[string]string{"shop/dev": string(source)}}
		env, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		if err == nil && !strings.Contains(text, "$") {
			fields, _ := env.Value.Object()
			if got, _ := fields["t"].RevealString(); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}

// FuzzOpen: any definition opens or is refused, in as many steps as it may
// take; evaluating all of it gives the same; checking and opening agree that it
// is right.
func FuzzOpen(f *testing.F) {
	seeds(f, func(text string) { f.Add(text, "values: {z: {y: 1}}") })
	f.Fuzz(func(t *testing.T, text, imported string) {
		if len(text)+len(imported) > 4000 {
			return
		}
		loader := &definitions{texts: map[string]string{"shop/dev": text, "shop/base": imported, "shop/part": imported, "ops/net": text}}
		e := evaluator(loader)
		req := request(t, "shop/dev", esc.WantAll)
		env, err := e.Open(t.Context(), req)
		var diags esc.Diagnostics
		var failed *esc.Error
		if err != nil && !errors.As(err, &diags) && !errors.As(err, &failed) {
			t.Fatalf("%T: %v", err, err)
		}
		if failed != nil && failed.Kind == esc.Internal {
			t.Fatal(err)
		}
		if err == nil && env.Value.HasUnknown() {
			t.Errorf("an unknown in %s", env.Value)
		}
		all, wrong := e.Evaluate(t.Context(), req.Refs[0], eval.Options{})
		if wrong != nil {
			t.Fatal(wrong)
		}
		if err == nil && !reflect.DeepEqual(env.Value.RevealAll(), all.Value.RevealAll()) {
			t.Errorf("opened %s, evaluated %s", env.Value, all.Value)
		}
		if _, checked := e.Check(context.Background(), req.Refs[0]); checked == nil && diags != nil {
			opensWithoutValues(t, diags)
		}
	})
}

// opensWithoutValues allows the errors that only values can bring.
func opensWithoutValues(t *testing.T, diags esc.Diagnostics) {
	for _, d := range diags {
		if strings.Contains(d.Summary, "unknown key") {
			t.Errorf("checking does not find %v", d)
		}
	}
}

// FuzzEdit: what was set comes back, and what was removed is gone.
func FuzzEdit(f *testing.F) {
	seeds(f, func(text string) { f.Add(text, "a.b[0]", "x") })
	f.Add(edited, `odd["a b"]`, "a, b]")
	f.Add(edited, "pw", "pa$$")
	f.Fuzz(func(t *testing.T, text, path, value string) {
		if len(text)+len(path)+len(value) > 4000 {
			return
		}
		got, err := eval.SetValue([]byte(text), path, value, eval.SetOptions{String: true})
		if err != nil {
			return
		}
		back, err := eval.GetValue(got, path, true)
		if err != nil {
			t.Fatalf("%q set in %q gives %q: %v", path, text, got, err)
		}
		again, err := eval.SetValue(got, path, value, eval.SetOptions{String: true})
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := eval.GetValue(again, path, true); err != nil || string(twice) != string(back) {
			t.Errorf("set twice: %q, then %q, %v", back, twice, err)
		}
		if _, err := eval.RemoveValue(got, path); err != nil {
			t.Errorf("remove %q from %q: %v", path, got, err)
		}
	})
}
