package eval_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// Who asks for the variables opens what they need and nothing else.
func TestOpenIsLazy(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `
imports: [shop/base, {shop/unused: {merge: false}}]
values:
  used: {fn::open::echo: {a: "${inner}"}}
  inner: {fn::open::echo: {b: 1}}
  unused: {fn::open::echo: {c: 1}}
  alsoUnused: ${environments.shop.other.x}
  rotated: {fn::rotate::counter: {inputs: {step: 1, admin: {fn::open::echo: {d: 1}}}}}
  inFile: {fn::open::echo: {e: 1}}
  environmentVariables: {A: "${used.a.b}"}
  files: {F: "${inFile.e}", G: {fn::toJSON: "${rotated}"}}`,
		"shop/base":   `values: {base: {fn::open::echo: {}}, environmentVariables: {B: "2"}}`,
		"shop/unused": `values: {x: 1}`,
		"shop/other":  `values: {x: 1}`,
	}}
	tests := []struct {
		want  esc.Want
		path  string
		opens int
		loads int
	}{
		{esc.WantVariables, "", 3, 2},
		{esc.WantPath, "unused.c", 1, 2},
		{esc.WantPath, "environmentVariables.B", 0, 2},
		{esc.WantPath, "files.G", 0, 2},
		{esc.WantPath, "alsoUnused", 0, 3},
		{esc.WantPath, "unused", 1, 2},
		{esc.WantAll, "", 5, 3},
	}
	for _, test := range tests {
		provider := &echo{}
		loader.loads = nil
		e := &eval.Evaluator{
			Loader: loader, Providers: map[string]esc.Provider{"echo": provider}, Rotators: map[string]eval.Rotator{"counter": counter{}},
		}
		req := request(t, "shop/dev", test.want)
		req.Path = test.path
		if _, err := e.Open(t.Context(), req); err != nil {
			t.Fatalf("%v %s: %v", test.want, test.path, err)
		}
		if len(provider.opened) != test.opens || len(loader.loads) != test.loads {
			t.Errorf("%v %s: %d opens, loads %v; want %d and %d",
				test.want, test.path, len(provider.opened), loader.loads, test.opens, test.loads)
		}
	}
}

func TestCheckOpensNothing(t *testing.T) {
	provider := &echo{}
	loader := &definitions{texts: map[string]string{
		"shop/dev": `values: {a: {fn::open::echo: {}}, environmentVariables: {X: "${a.b}", Y: "${a}"}}`,
	}}
	e := &eval.Evaluator{Loader: loader, Providers: map[string]esc.Provider{"echo": provider}}
	checked, err := e.Check(t.Context(), request(t, "shop/dev", 0).Refs[0])
	if err != nil {
		t.Fatal(err)
	}
	want := &eval.Checked{Name: "shop/dev", Variables: []string{"X", "Y"}, Providers: []string{"echo"}}
	if diff := cmp.Diff(want, checked); diff != "" || provider.opened != nil {
		t.Errorf("opened %v, (-want +got):\n%s", provider.opened, diff)
	}
}

// The barriers open only when all have come, so this ends only if they run at
// once.
func TestLoadsAndOpensRunAtOnce(t *testing.T) {
	const n = 8
	texts := map[string]string{}
	var imports, values strings.Builder
	for i := range n {
		name := fmt.Sprintf("shop/part%d", i)
		imports.WriteString("  - " + name + "\n")
		texts[name] = fmt.Sprintf("values: {k%d: {fn::open::echo: {v: %d}}}", i, i)
		fmt.Fprintf(&values, "  x%d: ${k%d.v}\n", i, i)
	}
	texts["shop/dev"] = "imports:\n" + imports.String() + "values:\n" + values.String()
	provider := &echo{barrier: newBarrier(n)}
	e := &eval.Evaluator{
		Loader:    &definitions{texts: texts, barrier: newBarrier(n)},
		Providers: map[string]esc.Provider{"echo": provider},
	}
	if _, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantAll)); err != nil {
		t.Fatal(err)
	}
	if len(provider.opened) != n {
		t.Errorf("%d opens, want %d", len(provider.opened), n)
	}
}

func TestOpenStopsWhenTheCallerLeaves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	provider := &echo{barrier: newBarrier(2), called: cancel} // waits for one who never comes
	e := &eval.Evaluator{
		Loader:    &definitions{texts: map[string]string{"shop/dev": `values: {a: {fn::open::echo: {}}}`}},
		Providers: map[string]esc.Provider{"echo": provider},
	}
	req := request(t, "shop/dev", esc.WantAll)
	if _, err := e.Open(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want context.Canceled", err)
	}
}

// Only what the result rests on makes it expire.
func TestExpiresIsTheEarliestLeaseInUse(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `
values:
  short: {fn::open::login: {user: a, minutes: 5}}
  long: {fn::open::login: {user: b, minutes: 50}}
  longer: {fn::open::login: {user: c, minutes: 90}}
  environmentVariables: {A: "${long.token}", B: "${longer.token}"}`,
		"shop/more":  `values: {x: {fn::open::login: {user: d, minutes: 10}}, environmentVariables: {B: "${x.user}", C: "1"}}`,
		"shop/plain": `values: {environmentVariables: {C: 2}}`,
	}}
	tests := []struct {
		refs    []string
		want    time.Duration
		outcome string
	}{
		{[]string{"shop/dev"}, 50 * time.Minute, "A=secret(token-of-b)\nB=secret(token-of-c)\n"},
		{[]string{"shop/dev", "shop/more"}, 10 * time.Minute, "A=secret(token-of-b)\nB=d\nC=1\n"},
		{[]string{"shop/more", "shop/plain"}, 10 * time.Minute, "B=d\nC=2\n"},
	}
	for _, test := range tests {
		req := esc.Request{}
		for _, ref := range test.refs {
			req.Refs = append(req.Refs, request(t, ref, 0).Refs...)
		}
		env, err := evaluator(loader).Open(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := env.Expires.Sub(epoch); got != test.want || variables(env) != test.outcome {
			t.Errorf("%v expire after %v with\n%swant %v with\n%s", test.refs, got, variables(env), test.want, test.outcome)
		}
	}
	plain, err := evaluator(loader).Open(t.Context(), request(t, "shop/plain", 0))
	if err != nil || !plain.Expires.IsZero() {
		t.Errorf("shop/plain expires %v, %v; want never", plain.Expires, err)
	}
}

func TestSecretsAreAllThatWereComputed(t *testing.T) {
	loader := &definitions{texts: map[string]string{"shop/dev": `
values:
  pw: {fn::secret: hunter2}
  not: {fn::secret: demanded}
  environmentVariables: {URL: "u:${pw}", T: "${login.token}", L: "${len}"}
  login: {fn::open::login: {user: ada}}
  len: {fn::toBase64: "${pw}"}`}}
	env, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", 0))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range env.Secrets {
		text, _ := s.RevealString()
		got = append(got, text)
	}
	if diff := cmp.Diff([]string{"aHVudGVyMg==", "hunter2", "token-of-ada", "u:hunter2"}, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

// A provider's failure keeps its kind for the caller to act on, unless the
// definition is wrong as well.
func TestProviderFailures(t *testing.T) {
	tests := []struct{ text, want string }{
		{`values: {a: {fn::open::login: {user: refused}}}`, "refused shop/dev:1:13: the door stays shut (escenv status)"},
		{
			`values: {a: {fn::open::login: {user: refused}}, b: {fn::open::login: {user: elsewhere}}}`,
			"caller-identity shop/dev:1:52: the key is in your pocket (and 1 more failed) ()",
		},
		{
			`values: {a: {fn::open::login: {user: refused}}, b: {fn::fromJSON: "${c.user}"}, c: {fn::open::login: {user: "{"}}}`,
			"shop/dev:1:13: the door stays shut\nshop/dev:1:52: the string is not JSON",
		},
		{
			`values: {a: {fn::open::login: {user: refused}}, b: "${c}"}`,
			"shop/dev:1:55: unknown property \"c\"", // it is not asked
		},
	}
	for _, test := range tests {
		loader := &definitions{texts: map[string]string{"shop/dev": test.text}}
		_, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		got := fmt.Sprint(err)
		if failed, ok := errors.AsType[*esc.Error](err); ok {
			got = fmt.Sprintf("%s %s (%s)", failed.Kind, failed.Summary, failed.Hint)
		}
		if got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.text, got, test.want)
		}
	}
}

func TestOpenPath(t *testing.T) {
	loader := &definitions{texts: map[string]string{"shop/dev": `values: {a: [{b: 1.10}], s: text}`}}
	for path, want := range map[string]string{
		"a[0].b": "1.10", "s": "text",
		"a[1]": "not-found", "a.x": "not-found", "s.x": "not-found", "": "invalid", "a b": "invalid",
	} {
		req := request(t, "shop/dev", esc.WantPath)
		req.Path = path
		env, err := evaluator(loader).Open(t.Context(), req)
		got := ""
		if wrong, ok := errors.AsType[*esc.Error](err); ok {
			got = string(wrong.Kind)
		} else if err == nil {
			got, _ = env.Value.RevealString()
		}
		if got != want {
			t.Errorf("%q = %q, %v; want %q", path, got, err, want)
		}
	}
}

// No diagnostic of any kind may quote a secret.
func TestDiagnosticsNeverQuoteSecrets(t *testing.T) {
	const canary = "c4n4ry"
	for _, text := range []string{
		`values: {a: {fn::secret: "${` + canary + `}"}}`,
		`values: {a: {fn::secret: [` + canary + `]}}`,
		`values: {a: {fn::secret: {` + canary + `: x}}}`,
		`values: {a: *` + canary + `}`,
		`values: {a: &` + canary + ` x}`,
		`values: {a: !` + canary + ` x}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::fromJSON: "${s}"}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::fromBase64: "${s}-"}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: "${s.x}"}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::join: ["", "${s}"]}}`,
		`values: {s: {fn::secret: ` + canary + `}, environmentVariables: "${s}"}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::open::login: {user: ["${s}"]}}}`,
		`values: {a: {fn::secret: {ciphertext: ` + canary + `}}}`,
		`values: {a: {fn::secret: {ciphertext: [` + canary + `]}}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::fromYAML: "[${s}"}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::validate: {schema: {pattern: x, const: y, enum: [z], type: number}, value: "${s}"}}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::validate: {schema: {pattern: "${s}("}, value: x}}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::validate: {schema: {pattern: "${s}"}, value: x}}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::validate: {schema: {required: ["${s}"], "$ref": "${s}"}, value: {}}}}`,
		`values: {s: {fn::secret: ` + canary + `}, a: {fn::rotate::counter: {inputs: {step: "${s}"}, state: {count: "${s}"}}}}`,
		`values: {s: {fn::secret: ` + canary + `}, files: {X: ["${s}"]}}`,
		"values:\n  a: \"" + canary + "\n  b: x",
		"values:\n  a: " + canary + ": x",
		"values:\n  a: '" + canary + "' x",
		"values:\n  a: \"\\" + canary + "\"",
		"values:\n  a: @" + canary,
		"values:\n  a: %" + canary,
		"values: {a: !!int " + canary + "}",
		"values: {a: !!bool " + canary + "}",
	} {
		loader := &definitions{texts: map[string]string{"shop/dev": text}}
		_, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
		if err == nil {
			t.Errorf("%s opens", text)
			continue
		}
		if said := report(err, nil); strings.Contains(said, canary) {
			t.Errorf("%s\nsays %s", text, said)
		}
	}
}

// The YAML library names a line that is off, or none. Whoever mistyped wants
// the place.
func TestWhatIsNotYAMLIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"values: {a: 1}\n}\n":                               "x:2:1: not YAML: did not find expected key",
		"values:\n  a: 1\n b: 2\n":                          "x:3:2: not YAML: did not find expected key",
		"values:\n  k: v\n  - x\n":                          "x:3:3: not YAML: did not find expected key",
		"values:\n  a: [1\n  b: 2\n":                        "x:2:7: not YAML: did not find expected ',' or ']'",
		"values:\n  é: ü\n  a: \"\\q\"\n":                   "x:3:7: not YAML: found unknown escape character",
		"values:\n  a: 1\n  b\n  c: 2\n":                    "x:3:3: not YAML: could not find expected ':'",
		"values:\n  a: \"x\n":                               "x:2:6: not YAML: found unexpected end of stream",
		"values:\n  a: {b\n":                                "x:2:7: not YAML: did not find expected ',' or '}'",
		"values:\n\n#" + strings.Repeat("x", 64<<10):        "",
		"values:\n  a: {b\n#" + strings.Repeat("x", 64<<10): "x:2:7: not YAML: did not find expected ',' or '}'",
	} {
		if got := eval.Lint(&eval.Source{Name: "x", Text: []byte(text)}).Error(); got != want {
			t.Errorf("%.40q: %s, want %s", text, got, want)
		}
	}
}
