package render_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/render"
)

func sample() esc.Value {
	return esc.New(map[string]esc.Value{
		"number": esc.New(json.Number("1.10")),
		"big":    esc.New(json.Number("123456789012345678901")),
		"text":   esc.NewSecret("a<b>&\"c\""),
		"list":   esc.New([]esc.Value{esc.New(nil), esc.New(true), esc.New("yes"), esc.New("1.10")}),
		"empty":  esc.New(map[string]esc.Value{}),
		"none":   esc.New([]esc.Value{}),
		"lines":  esc.New("a\nb\n"),
	})
}

// variable is an environment with one of them.
func variable(name, value string) render.Input {
	return render.Input{Variables: []esc.Variable{{Name: name, Value: esc.NewSecret(value)}}, Random: rand.Reader}
}

func TestText(t *testing.T) {
	vars := []esc.Variable{{Name: "A", Value: esc.NewSecret("it's $(x)")}, {Name: "B", Value: esc.New("1.10")}, {Name: "C", Value: esc.New("")}}
	tests := []struct{ format, want string }{
		{"json", `{
  "big": 123456789012345678901,
  "empty": {},
  "lines": "a\nb\n",
  "list": [
    null,
    true,
    "yes",
    "1.10"
  ],
  "none": [],
  "number": 1.10,
  "text": "a<b>&\"c\""
}
`},
		{"yaml", `big: 123456789012345678901
empty: {}
lines: "a\nb\n"
list:
  - null
  - true
  - "yes"
  - "1.10"
none: []
number: 1.10
text: a<b>&"c"
`},
		{"shell", "export A='it'\\''s $(x)'\nexport B='1.10'\nexport C=''\n"},
	}
	for _, test := range tests {
		got, err := render.Text(render.Input{Value: sample(), Variables: vars}, test.format)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v, got:\n%swant:\n%s", test.format, err, got, test.want)
		}
	}
}

func TestStringIsRaw(t *testing.T) {
	for want, v := range map[string]esc.Value{"1.10": esc.New(json.Number("1.10")), "": esc.New(nil), "a\n": esc.NewSecret("a\n")} {
		if got, err := render.Text(render.Input{Value: v}, "string"); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestDotenv(t *testing.T) {
	tests := []struct{ value, want string }{
		{"plain-1.10:x/y@z=", "plain-1.10:x/y@z="},
		{"", "''"},
		{"=ls", "'=ls'"},
		{"/bin:=ls", "'/bin:=ls'"},
		{"a b # c", "'a b # c'"},
		{"$HOME `x` $(y)", "'$HOME `x` $(y)'"},
		{"two\nlines", "'two\nlines'"},
		{`say "hi"`, `'say "hi"'`},
		{"it's", `"it's"`},
		{`C:\new`, `'C:\new'`},
		{"ümlaut", "'ümlaut'"},
		{"it's $5", ""},
		{"a${b}", ""},
		{`it's "`, ""},
		{`\\`, ""},
		{"end\\", ""},
		{"a\r", ""},
		{"it's\nmine", ""},
		{"a\x00b", ""},
	}
	for _, test := range tests {
		got, err := render.Text(variable("X", test.value), "dotenv")
		if test.want == "" {
			wantInvalid(t, test.value, err)
		} else if err != nil || string(got) != "X="+test.want+"\n" {
			t.Errorf("%q is written %q, %v; want X=%s", test.value, got, err, test.want)
		}
	}
}

func wantInvalid(t *testing.T, what string, err error) {
	t.Helper()
	var wrong *esc.Error
	if !errors.As(err, &wrong) || wrong.Kind != esc.Invalid || wrong.Hint == "" {
		t.Errorf("%q: %v; want an Invalid error with a hint", what, err)
	}
}

func TestRefusals(t *testing.T) {
	_, err := render.Text(render.Input{}, "toml")
	wantInvalid(t, "toml", err)
	for _, format := range []string{"json", "yaml", "string", "detailed", "dotenv", "github-env", "shell", "bash", "zsh", "fish"} {
		if !strings.Contains(err.(*esc.Error).Hint, format) {
			t.Errorf("the hint does not name %s: %s", format, err.(*esc.Error).Hint)
		}
	}
	_, err = render.Text(render.Input{Value: sample()}, "string")
	wantInvalid(t, "an object as string", err)
	for _, format := range []string{"json", "yaml", "string", "detailed"} {
		if got, err := render.Text(render.Input{Value: esc.Unknown()}, format); err == nil {
			t.Errorf("an unknown is %s %q", format, got)
		}
	}
	for _, format := range []string{"dotenv", "github-env", "shell", "fish", "bash", "zsh"} {
		for _, v := range []esc.Variable{
			{Name: "A;B", Value: esc.New("")},
			{Name: "", Value: esc.New("")},
			{Name: "A", Value: esc.New("\x00")},
			{Name: "A", Value: esc.Unknown()},
			{Name: "A", Value: esc.New([]esc.Value{})},
		} {
			if got, err := render.Text(render.Input{Variables: []esc.Variable{v}, Random: rand.Reader}, format); err == nil {
				t.Errorf("%s %v is %q", format, v, got)
			}
		}
	}
}

// FuzzShellAndDotenv: whatever is not refused, a shell that sources the text
// has the value and runs nothing.
func FuzzShellAndDotenv(f *testing.F) {
	for _, seed := range []string{"", "a b", "it's", "$(touch x)", "`id`", "a\nb", `\`, "a\\'b", "!x", "\xff", "-n", "$'x'"} {
		f.Add(seed)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no sh")
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, format := range []string{"shell", "dotenv"} {
			text, err := render.Text(variable("X", value), format)
			if err != nil {
				continue
			}
			cmd := exec.CommandContext(t.Context(), sh, "-c", string(text)+"\nprintf '%s.' \"$X\"")
			cmd.Env = []string{}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != value+"." {
				t.Errorf("%s of %q is %q: %v, %q", format, value, text, err, out)
			}
		}
	})
}

// FuzzStructured: JSON and YAML read back as they were.
func FuzzStructured(f *testing.F) {
	for _, seed := range []string{"", "1.10", "yes", "a: b", "- x", "#", "a\n\n b\n", "\u2028", "0x1", "2020-01-01", "1e3", "*a", "\t", "=", " x ", "\ufeff", "'", `"`, "\u009b31m", "a\u202eb", "\U000e0041", "\x7f", "é\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := esc.New(map[string]esc.Value{text: esc.New([]esc.Value{esc.New(text), esc.New(json.Number("1.10"))})})
		for format, decode := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": yaml.Unmarshal} {
			written, err := render.Text(render.Input{Value: v}, format)
			if err != nil {
				continue
			}
			var back map[string][]any
			if err := decode(written, &back); err != nil {
				t.Fatalf("%s of %q is %q: %v", format, text, written, err)
			}
			if len(back[text]) != 2 || back[text][0] != text {
				t.Errorf("%s of %q reads back as %q", format, text, back)
			}
			if bytes.ContainsFunc(written, func(r rune) bool { return r != '\n' && !esc.Printable(r) && r != utf8.RuneError }) {
				t.Errorf("%s of %q is not safe to show: %q", format, text, written)
			}
			if !bytes.Contains(written, []byte("1.10")) {
				t.Errorf("%s lost the text of a number: %s", format, written)
			}
		}
	})
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	for _, format := range []string{"json", "yaml", "detailed"} {
		for _, v := range []esc.Value{esc.New("\xff"), esc.New(map[string]esc.Value{"\xff": esc.New(nil)})} {
			_, err := render.Text(render.Input{Value: v}, format)
			wantInvalid(t, format, err)
		}
	}
}
