package eval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

var update = flag.Bool("update", false, "write what was computed into testdata")

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// TestCases runs testdata/*.txtar. The files ending in .yaml are definitions,
// the first of them is the one that is opened. The others say what comes out:
// "all" every value as JSON with secrets shown as secret(...) and what is
// secret as a whole as [secret, ...], "variables" the environment variables and
// files, "check" what checking says, and "open PATH" the value there.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	loader := &definitions{texts: map[string]string{}}
	root := ""
	for i, f := range archive.Files {
		name, isDefinition := strings.CutSuffix(f.Name, ".yaml")
		if isDefinition {
			loader.texts[name] = string(f.Data)
			if root == "" {
				root = name
			}
			continue
		}
		got := outcome(t, loader, root, f.Name)
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func outcome(t *testing.T, loader *definitions, root, section string) string {
	t.Helper()
	e := evaluator(loader)
	if path, ok := strings.CutPrefix(section, "open "); ok {
		req := request(t, root, esc.WantPath)
		req.Path = path
		env, err := e.Open(t.Context(), req)
		if err != nil {
			return report(err, nil)
		}
		return shown(t, env.Value) + report(nil, env.Warnings)
	}
	switch section {
	case "all":
		env, err := e.Open(t.Context(), request(t, root, esc.WantAll))
		if err != nil {
			return report(err, nil)
		}
		return shown(t, env.Value) + report(nil, env.Warnings)
	case "variables":
		env, err := e.Open(t.Context(), request(t, root, esc.WantVariables))
		if err != nil {
			return report(err, nil)
		}
		return variables(env) + report(nil, env.Warnings)
	case "check":
		checked, err := e.Check(t.Context(), request(t, root, 0).Refs[0])
		if err != nil {
			return report(err, nil)
		}
		return fmt.Sprintf("variables: %v\nfiles: %v\nproviders: %v\n", checked.Variables, checked.Files, checked.Providers) + report(nil, checked.Warnings)
	}
	t.Fatalf("%q is not a section", section)
	return ""
}

func evaluator(loader eval.Loader) *eval.Evaluator {
	return &eval.Evaluator{
		Loader: loader, Decrypter: key{}, Rotators: map[string]eval.Rotator{"counter": counter{}},
		Providers: map[string]esc.Provider{"echo": &echo{}, "login": login{now: epoch}},
	}
}

func request(t *testing.T, root string, want esc.Want) esc.Request {
	t.Helper()
	ref, err := esc.ParseRef(root, "/")
	if err != nil {
		t.Fatal(err)
	}
	return esc.Request{Refs: []esc.Ref{ref}, Want: want}
}

func variables(env *esc.Environment) string {
	var b strings.Builder
	for _, v := range env.Variables {
		text, _ := v.Value.RevealString()
		if v.Value.IsSecret() {
			text = "secret(" + text + ")"
		}
		fmt.Fprintf(&b, "%s=%s\n", v.Name, text)
	}
	for _, f := range env.Files {
		fmt.Fprintf(&b, "%s holds %q (secret: %v)\n", f.Name, f.Content.Reveal(), f.Content.IsSecret())
	}
	return b.String()
}

// report writes diagnostics with all they say.
func report(err error, warnings esc.Diagnostics) string {
	var diags esc.Diagnostics
	if !errors.As(err, &diags) && err != nil {
		return fmt.Sprintf("%T: %v\n", err, err)
	}
	var b strings.Builder
	for _, d := range append(diags, warnings...) {
		word := "error"
		if d.Warning {
			word = "warning"
		}
		fmt.Fprintf(&b, "%s:%d:%d-%d: %s: %s", d.File, d.Line, d.Column, d.End.Column, word, d.Summary)
		if d.Hint != "" {
			fmt.Fprintf(&b, " (%s)", d.Hint)
		}
		fmt.Fprintf(&b, " [%s]\n", d.Path)
	}
	return b.String()
}

func shown(t *testing.T, v esc.Value) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(marked(v)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// marked makes secrets and unknowns visible.
func marked(v esc.Value) any {
	if elements, ok := v.List(); ok {
		out := []any{}
		if v.IsSecret() {
			out = append(out, esc.Hidden)
		}
		for _, e := range elements {
			out = append(out, marked(e))
		}
		return out
	}
	if fields, ok := v.Object(); ok {
		out := map[string]any{}
		if v.IsSecret() {
			out[esc.Hidden] = true
		}
		for name, e := range fields {
			out[name] = marked(e)
		}
		return out
	}
	text, _ := v.RevealString()
	switch {
	case v.IsUnknown():
		return "[unknown]"
	case v.IsSecret():
		return "secret(" + text + ")"
	}
	return v.Reveal()
}
