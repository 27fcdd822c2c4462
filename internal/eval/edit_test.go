package eval_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

const edited = `# the whole
imports: [base] # from above

values:
  # who
  name: "ada" # first

  ports: [80, 443]
  pw:
    fn::secret: hunter2 # or is it
  odd: {"a b": x}
`

func TestSetValue(t *testing.T) {
	tests := []struct {
		path, value string
		opt         eval.SetOptions
		old, now    string // what changes in the text
	}{
		{"name", "bob", eval.SetOptions{}, `"ada" # first`, `bob # first`},
		{"name", "1.10", eval.SetOptions{}, `"ada"`, `1.10`},
		{"name", "1.10", eval.SetOptions{String: true}, `"ada"`, `"1.10"`},
		{"name", "#1", eval.SetOptions{}, `"ada"`, `'#1'`},
		{"name", "*x", eval.SetOptions{}, `"ada"`, `'*x'`},
		{"values.ports[1]", "8443", eval.SetOptions{}, `443`, `8443`},
		{"ports[0]", "a, b]", eval.SetOptions{}, `80`, `'a, b]'`},
		{"imports[0]", "other", eval.SetOptions{}, `[base]`, `[other]`},
		{`odd["a b"]`, "y", eval.SetOptions{}, `x}`, `y}`},
	}
	for _, test := range tests {
		got, err := eval.SetValue([]byte(edited), test.path, test.value, test.opt)
		if err != nil {
			t.Errorf("set %s: %v", test.path, err)
			continue
		}
		if diff := cmp.Diff(strings.Replace(edited, test.old, test.now, 1), string(got)); diff != "" {
			t.Errorf("set %s to %s changed more or less than it should (-want +got):\n%s", test.path, test.value, diff)
		}
	}
}

func TestSetValueMakesWhatIsMissing(t *testing.T) {
	tests := []struct{ path, value, want string }{
		{"a.b", "1", "values:\n  a:\n    b: 1\n"},
		{"a[0].b", "{x: y}", "values:\n  a:\n    - b: {x: y}\n"},
		{"imports[0]", "shop/base", "imports:\n  - shop/base\n"},
	}
	for _, test := range tests {
		got, err := eval.SetValue(nil, test.path, test.value, eval.SetOptions{})
		if err != nil || string(got) != test.want {
			t.Errorf("set %s = %q, %v; want %q", test.path, got, err, test.want)
		}
	}
}

func TestSetValueKeepsComments(t *testing.T) {
	got, err := eval.SetValue([]byte(edited), "more.here", "1", eval.SetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, comment := range []string{"# the whole", "# from above", "# who", "# first", "# or is it"} {
		if !strings.Contains(string(got), comment) {
			t.Errorf("%q is lost in:\n%s", comment, got)
		}
	}
}

// A secret comes out as it went in, whatever characters it has.
func TestSetSecret(t *testing.T) {
	for _, secret := range []string{"pa$$word", "${x}", "$5", "a\nb\n", "", "'\"", "- x: #", "[secret]", "true"} {
		text, err := eval.SetValue([]byte(edited), "pw", secret, eval.SetOptions{Secret: true})
		if err != nil {
			t.Fatal(err)
		}
		loader := &definitions{texts: map[string]string{"shop/dev": string(text), "shop/base": ""}}
		req := request(t, "shop/dev", esc.WantPath)
		req.Path = "pw"
		env, err := evaluator(loader).Open(t.Context(), req)
		if err != nil {
			t.Fatalf("%q: %v in\n%s", secret, err, text)
		}
		if got, _ := env.Value.RevealString(); got != secret || !env.Value.IsSecret() {
			t.Errorf("%q came back as %q", secret, got)
		}
	}
}

func TestSetValueRefuses(t *testing.T) {
	tests := []struct{ path, value string }{
		{"name.first", "x"},        // name is a string
		{"ports.x", "1"},           // a list
		{"ports[9]", "1"},          // far beyond its end
		{"", "1"},                  // no path
		{"a b", "1"},               // not a path
		{"name", "[1"},             // not YAML
		{"name", "{a: 1}\n---\nb"}, // more than one value
		{"name", "\xff"},           // not text
		{"imports.x", "a"},         // a list
		{"values[0]", "a"},         // an object
		{"odd[\"a b\"].c", "x"},    // a string
	}
	for _, test := range tests {
		got, err := eval.SetValue([]byte(edited), test.path, test.value, eval.SetOptions{})
		var wrong *esc.Error
		if !errors.As(err, &wrong) || wrong.Kind != esc.Invalid {
			t.Errorf("set %q to %q = %q, %v; want an Invalid error", test.path, test.value, got, err)
		}
	}
}

func TestRemoveValue(t *testing.T) {
	for path, gone := range map[string]string{"pw": "hunter2", "ports[0]": "80", "imports": "base", "odd": "a b"} {
		got, err := eval.RemoveValue([]byte(edited), path)
		if err != nil || strings.Contains(string(got), gone) || !strings.Contains(string(got), "# first") {
			t.Errorf("remove %s = %v:\n%s", path, err, got)
		}
	}
	_, err := eval.RemoveValue([]byte(edited), "nope.x")
	var wrong *esc.Error
	if !errors.As(err, &wrong) || wrong.Kind != esc.NotFound {
		t.Errorf("remove nope.x: %v; want NotFound", err)
	}
}

func TestGetValue(t *testing.T) {
	tests := []struct {
		path   string
		reveal bool
		want   string
	}{
		{"pw", false, "fn::secret: '[secret]'\n"},
		{"pw", true, "fn::secret: hunter2 # or is it\n"},
		{"ports[1]", false, "443\n"},
		{"imports", false, "[base] # from above\n"},
	}
	for _, test := range tests {
		got, err := eval.GetValue([]byte(edited), test.path, test.reveal)
		if err != nil || string(got) != test.want {
			t.Errorf("get %s = %q, %v; want %q", test.path, got, err, test.want)
		}
	}
	for _, path := range []string{`pw["fn::secret"]`, "values", ""} {
		if got, err := eval.GetValue([]byte(edited), path, false); err != nil || strings.Contains(string(got), "hunter2") || !strings.Contains(string(got), "[secret]") {
			t.Errorf("get %q = %q, %v; want no secret in it", path, got, err)
		}
	}
	whole, err := eval.GetValue([]byte(edited), "", false)
	if err != nil || strings.Contains(string(whole), "hunter2") || !strings.Contains(string(whole), "# who") {
		t.Errorf("get all: %v\n%s", err, whole)
	}
}
