package esc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/esc"
)

const canary = "AKIACANARYSECRET"

// A holder keeps values where fmt cannot call their methods.
type holder struct{ value, nested esc.Value }

// verb hides a format from vet, which knows that it is the wrong one.
func verb(v string) string { return "%" + v }

// However a secret is printed, logged or encoded, it stays hidden, also deep
// inside lists, objects and other types.
func TestNothingPrintsASecret(t *testing.T) {
	secret := esc.NewSecret(canary)
	nested := esc.New(map[string]esc.Value{
		"list":   esc.New([]esc.Value{esc.New("plain"), secret}),
		"object": esc.NewSecret(map[string]esc.Value{"key": esc.New(canary)}),
		"number": esc.NewSecret(json.Number("16162727")),
	})
	env := &esc.Environment{Variables: []esc.Variable{{Name: "A", Value: secret}}, Value: nested, Secrets: []esc.Value{secret}}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("opened", "value", nested, "env", env)
	encoded, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	for how, out := range map[string]string{
		"%v": fmt.Sprintf("%v", env), "%+v": fmt.Sprintf("%+v", env), "%#v": fmt.Sprintf("%#v", *env),
		"%s": fmt.Sprintf("%s", nested), "%d": fmt.Sprintf(verb("d"), nested), "unexported": fmt.Sprintf("%+v %#v", holder{secret, nested}, &holder{secret, nested}), "%q": fmt.Sprintf("%q", secret), "%x": fmt.Sprintf("%x", secret),
		"slog": logged.String(), "json": string(encoded),
	} {
		if strings.Contains(out, canary) || strings.Contains(out, "16162727") || strings.Contains(out, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the secret: %s", how, out)
		}
	}
	if got, _ := secret.RevealString(); got != canary {
		t.Errorf("revealed %q", got)
	}
}

func TestPlainValuesPrintAsTheyAre(t *testing.T) {
	v := esc.New(map[string]esc.Value{
		"b": esc.New([]esc.Value{esc.New(true), esc.New(nil), esc.New(json.Number("1.10"))}),
		"a": esc.Unknown(),
	})
	if got, want := v.String(), "{a:[unknown] b:[true  1.10]}"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
	if got, err := json.Marshal(v); err != nil || string(got) != `{"a":"[unknown]","b":[true,null,1.10]}` {
		t.Errorf("JSON: got %s, %v", got, err)
	}
}

func TestSecretAndUnknownAreFoundInside(t *testing.T) {
	v := esc.New([]esc.Value{esc.New(map[string]esc.Value{"k": esc.NewSecret("x")}), esc.Unknown()})
	if v.IsSecret() || !v.HasSecret() || v.IsUnknown() || !v.HasUnknown() {
		t.Errorf("secret %v/%v, unknown %v/%v", v.IsSecret(), v.HasSecret(), v.IsUnknown(), v.HasUnknown())
	}
	if e := esc.New("x"); e.HasSecret() || e.HasUnknown() {
		t.Error("a plain string has neither")
	}
}

// What is sealed is hidden as a whole, and what lies in it is not.
func TestSealed(t *testing.T) {
	v := esc.New([]esc.Value{esc.New("plain"), esc.NewSecret(canary)}).Sealed()
	elements, _ := v.List()
	if !v.IsSecret() || elements[0].IsSecret() || !elements[1].IsSecret() {
		t.Errorf("secret: %v, elements %v", v.IsSecret(), elements)
	}
	if got, err := json.Marshal([]esc.Value{v, esc.Unknown().Sealed()}); err != nil || string(got) != `["[secret]","[secret]"]` {
		t.Errorf("JSON: got %s, %v", got, err)
	}
}

// An unknown may have a shape, and nothing else that could be revealed.
func TestShape(t *testing.T) {
	v := esc.UnknownOf("a string")
	if v.Shape() != "a string" || !v.IsUnknown() || v.Kind() != "unknown" || v.Reveal() != nil || v.String() != "[unknown]" || v.Sealed().Reveal() != nil {
		t.Errorf("%v: shape %v, reveals %v", v, v.Shape(), v.Reveal())
	}
	if shape := esc.New("x").Shape(); shape != nil {
		t.Errorf("a string has the shape %v", shape)
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string]esc.Ref{
		"shop/dev":          {Project: "shop", Name: "dev"},
		"s3:shop/dev@3":     {Store: "s3", Project: "shop", Name: "dev", Revision: "3"},
		"./dev.yaml":        {Path: "/code/shop/dev.yaml"},
		"../dev.yaml":       {Path: "/code/dev.yaml"},
		"/etc/../tmp/x.yml": {Path: "/tmp/x.yml"},
	} {
		if got, err := esc.ParseRef(text, "/code/shop"); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "dev", "/", "shop/", "/dev/../\x00", "shop/dev/x", "shop/..", "shop/a..b", ".shop/dev", "shop/-dev", "shop/dév",
		"shop/dev@", ":shop/dev", "a b/c", "shop/dev\n", "shop/" + strings.Repeat("a", 101), "$(id)/dev", "~/dev",
	} {
		if got, err := esc.ParseRef(text, "/code"); err == nil && got.Path == "" {
			t.Errorf("%q was taken for %+v", text, got)
		}
	}
}

// A .escenv from elsewhere may hold anything, and must not fill the screen.
func TestAWrongReferenceIsNotRepeatedWhole(t *testing.T) {
	long := strings.Repeat("é", 5000)
	for text, want := range map[string]string{
		long:                       "it has no project",
		"shop/" + long:             "is not a name",
		"shop/dev@" + long:         "its revision",
		long + ":shop/dev":         "its store",
		"./x" + long + "\x00":      "a NUL byte",
		"\xff" + long + "/" + long: "is not a name",
	} {
		_, err := esc.ParseRef(text, "/code")
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 800 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// What a reference prints as reads back as the same reference, and no
// reference steps out of its store's directory.
func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"shop/dev", "s3:a/b@c", "./x", "../../x", "a/../b", "a/b@..", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := esc.ParseRef(text, "/code")
		if err != nil {
			return
		}
		again, err := esc.ParseRef(ref.String(), "/elsewhere")
		if err != nil || again != ref {
			t.Errorf("%q printed as %q reads as %+v, %v", text, ref, again, err)
		}
		for _, s := range []string{ref.Store, ref.Project, ref.Name, ref.Revision} {
			if strings.ContainsAny(s, "/\\\x00") || strings.HasPrefix(s, ".") {
				t.Errorf("%q has the segment %q", text, s)
			}
		}
	})
}

func TestWarningsAreNoError(t *testing.T) {
	warning := esc.Diagnostic{Position: esc.Position{File: "b", Line: 1, Column: 1}, Summary: "odd", Warning: true}
	if err := (esc.Diagnostics{warning}).Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
	wrong := esc.Diagnostic{Position: esc.Position{File: "a", Line: 12, Column: 3}, Summary: "wrong"}
	ds := esc.Diagnostics{warning, wrong}
	ds.Sort()
	if got := ds.Err().Error(); got != "a:12:3: wrong\nb:1:1: odd" {
		t.Errorf("got %q", got)
	}
}

func TestProgressReachesWhoeverListens(t *testing.T) {
	esc.Progress(context.Background(), "nobody listens")
	var heard []string
	ctx := esc.WithProgress(context.Background(), func(s string) { heard = append(heard, s) })
	esc.Progress(ctx, "waiting")
	if len(heard) != 1 || heard[0] != "waiting" {
		t.Errorf("heard %q", heard)
	}
}

func TestAnErrorCarriesItsCause(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("opening: %w", &esc.Error{Kind: esc.Refused, Summary: "no", Err: cause})
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Refused || !errors.Is(err, cause) {
		t.Errorf("%v lost its kind or cause", err)
	}
}
