package eval_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// leased writes what each variable, file and all of env rests on.
func leased(env *esc.Environment) string {
	var b strings.Builder
	names := func(indices []int) string {
		var out []string
		for _, i := range indices {
			out = append(out, env.Leases[i].Name)
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	for _, v := range env.Variables {
		fmt.Fprintf(&b, "%s: %s\n", v.Name, names(v.Leases))
	}
	for _, f := range env.Files {
		fmt.Fprintf(&b, "%s (file): %s\n", f.Name, names(f.Leases))
	}
	for _, l := range env.Leases {
		fmt.Fprintf(&b, "%s ends after %s", l.Name, l.Expires.Sub(epoch))
		if !l.Renew.IsZero() {
			fmt.Fprintf(&b, ", is due after %s", l.Renew.Sub(epoch))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Every value knows the opens it rests on, whatever was computed from them.
func TestLeases(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `imports: [shop/base]
values:
  short: {fn::open::login: {user: a, minutes: 5}}
  chained: {fn::open::login: {user: "${short.user}", minutes: 50}}
  list: {fn::concat: [["${short.user}"], [x]]}
  environmentVariables:
    PLAIN: text
    SHORT: ${short.token}
    BOTH: ${short.user}-${below.user}
    CHAINED: ${chained.user}
    JSON: {fn::toJSON: ["${short.user}"]}
    LIST: ${list[1]}
    SPLIT: ${parts[0]}
    ROTATED: {fn::toString: {fn::rotate::counter: {inputs: {step: 1}, state: {count: 1}}}}
    VALID: {fn::validate: {schema: {const: "${short.user}"}, value: a}}
    OVER: mine
  parts: {fn::split: ["o", {fn::fromBase64: {fn::toBase64: "${below.token}"}}]}
  unused: {fn::open::login: {user: c, minutes: 1}}
  files: {FILE: "${below.token}"}
`,
		"shop/base": "values:\n  below: {fn::open::login: {user: b, minutes: 20}}\n  environmentVariables: {OVER: \"${below.user}\"}\n",
	}}
	env, err := evaluator(loader).Open(t.Context(), request(t, "shop/dev", esc.WantVariables))
	if err != nil {
		t.Fatal(err)
	}
	want := `BOTH: login at shop/base:2:10, login at shop/dev:3:10
CHAINED: login at shop/dev:3:10, login at shop/dev:4:12
JSON: login at shop/dev:3:10
LIST: login at shop/dev:3:10
OVER: 
PLAIN: 
ROTATED: counter at shop/dev:14:29
SHORT: login at shop/dev:3:10
SPLIT: login at shop/base:2:10
VALID: login at shop/dev:3:10
FILE (file): login at shop/base:2:10
login at shop/base:2:10 ends after 20m0s, is due after 10m0s
login at shop/dev:3:10 ends after 5m0s, is due after 2m30s
login at shop/dev:4:12 ends after 50m0s, is due after 25m0s
counter at shop/dev:14:29 ends after -2562047h47m16.854775808s
`
	if diff := cmp.Diff(want, leased(env)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if env.Expires.Sub(epoch) != 5*time.Minute || env.Renew.Sub(epoch) != 150*time.Second {
		t.Errorf("all of it ends after %s and is due after %s", env.Expires.Sub(epoch), env.Renew.Sub(epoch))
	}
}

// Of layers, only the leases of what is not hidden count.
func TestLeasesOfLayers(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/a": `values: {x: {fn::open::login: {user: a, minutes: 5}}, y: {fn::open::login: {user: b, minutes: 9}}, environmentVariables: {A: "${x.user}", B: "${y.user}", C: "${y.token}"}, files: {F: "${x.token}", G: x}}`,
		"shop/b": `values: {x: {fn::open::login: {user: c, minutes: 7}}, environmentVariables: {A: "1", F: "${x.user}"}, files: {C: "${x.user}"}}`,
	}}
	req := request(t, "shop/a", esc.WantVariables)
	req.Refs = append(req.Refs, request(t, "shop/b", 0).Refs...)
	env, err := evaluator(loader).Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := `A: 
B: login at shop/a:1:58
F: login at shop/b:1:13
C (file): login at shop/b:1:13
G (file): 
login at shop/a:1:58 ends after 9m0s, is due after 4m30s
login at shop/b:1:13 ends after 7m0s, is due after 3m30s
`
	if diff := cmp.Diff(want, leased(env)); diff != "" || env.Expires.Sub(epoch) != 7*time.Minute {
		t.Errorf("ends after %s (-want +got):\n%s", env.Expires.Sub(epoch), diff)
	}
}

// Who asks for a path or for all of it gets the leases of that.
func TestLeasesOfValues(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `values: {a: {fn::open::login: {user: a, minutes: 5}}, b: {fn::open::login: {user: b, minutes: 3}}, c: 1}`,
	}}
	for path, want := range map[string]time.Duration{"a.user": 5 * time.Minute, "b": 3 * time.Minute, "": 3 * time.Minute} {
		req := request(t, "shop/dev", esc.WantPath)
		if req.Path = path; path == "" {
			req.Want = esc.WantAll
		}
		env, err := evaluator(loader).Open(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := env.Expires.Sub(epoch); got != want {
			t.Errorf("%q ends after %s, want %s", path, got, want)
		}
	}
}

// Values that each rest on one more open than the last share what they can: no
// set is made twice.
func TestManyLeases(t *testing.T) {
	var text strings.Builder
	text.WriteString("values:\n  v0: x\n  environmentVariables: {LAST: \"${v300}\"}\n")
	for i := 1; i <= 300; i++ {
		fmt.Fprintf(&text, "  v%d: {fn::toBase64: {fn::fromBase64: {fn::toString: {fn::open::same: \"${v%d}\"}}}}\n", i, i-1)
	}
	loader := &definitions{texts: map[string]string{"shop/dev": strings.ReplaceAll(text.String(), "v0: x", "v0: eA==")}}
	e := &eval.Evaluator{Loader: loader, Providers: map[string]esc.Provider{"same": &echo{}}}
	env, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantVariables))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(env.Variables[0].Leases); got != 300 || len(env.Leases) != 300 {
		t.Errorf("rests on %d of %d leases, want 300", got, len(env.Leases))
	}
}

// More opens than anybody needs are an error, where the first of them stands.
func TestTooManyOpens(t *testing.T) {
	text := "values: {a: [" + strings.Repeat("{fn::open::echo: 1},", 1001) + "]}"
	loader := &definitions{texts: map[string]string{"shop/dev": text}}
	provider := &echo{}
	e := &eval.Evaluator{Loader: loader, Providers: map[string]esc.Provider{"echo": provider}}
	_, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantAll))
	if got := fmt.Sprint(err); !strings.Contains(got, "shop/dev:1:20014: more than 1000 providers are opened") {
		t.Errorf("%.300s", got)
	}
}

// A rotation rotates what stands in the definition itself, as far as it is
// asked to, and leaves the state to be kept.
func TestRotate(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `imports: [shop/base]
values:
  one: {fn::rotate::counter: {inputs: {step: 2, admin: x}, state: {count: 3}}}
  list: [{fn::rotate: {provider: counter, inputs: {step: 1, admin: x}}}]
  not allowed: {fn::rotate::counter: {inputs: {step: 1, admin: ""}, state: {count: 3}}}
  wrong: {fn::rotate::counter: {inputs: {step: x, admin: x}, state: {count: 3}}}
`,
		"shop/base": "values: {base: {fn::rotate::counter: {inputs: {step: 1, admin: \"${nothing}\"}, state: {count: 7}}}}\n",
	}}
	tests := []struct {
		paths []string
		want  string
	}{
		{nil, `values.list[0] succeeded values.list[0]["fn::rotate"].state={count:1}
values.one succeeded values.one["fn::rotate::counter"].state={count:5}
values.wrong not-evaluated =
values["not allowed"] failed =
`},
		{[]string{"one", "list[1]", "base"}, "values.one succeeded values.one[\"fn::rotate::counter\"].state={count:5}\n"},
	}
	for _, test := range tests {
		got, err := evaluator(loader).Evaluate(t.Context(), request(t, "shop/dev", 0).Refs[0], eval.Options{Rotate: true, RotatePaths: test.paths})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range got.Rotations {
			fmt.Fprintf(&b, "%s %s %s=%s\n", r.Path, r.Status, r.StatePath, r.State)
		}
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.paths, diff)
		}
		fields, _ := got.Value.Object()
		if one := fields["one"].String() + fields["base"].String(); one != "{count:5}{count:7}" {
			t.Errorf("%q: the values are %s", test.paths, one)
		}
	}
}

// Without a key, ciphertext is an error where it stands when it is needed, and
// else a warning of those who check.
func TestNoKey(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `values: {a: {fn::secret: {ciphertext: ZXNjeAAAAAHo9e705fKyKo30VQ==}}, environmentVariables: {B: 1}}`,
	}}
	e := &eval.Evaluator{Loader: loader}
	if env, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantVariables)); err != nil || len(env.Warnings) > 0 {
		t.Errorf("nobody asked for it: %+v, %v", env, err)
	}
	_, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantAll))
	const said = "this ciphertext cannot be opened: escenv has no key for it (give the secret again: escenv env set shop/dev a --secret) [values.a]\n"
	if got := report(err, nil); got != "shop/dev:1:13-67: error: "+said {
		t.Errorf("got %s", got)
	}
	for show, want := range map[bool]string{false: "warning: ", true: "error: "} {
		got, err := e.Evaluate(t.Context(), request(t, "shop/dev", 0).Refs[0], eval.Options{Check: true, ShowSecrets: show})
		if err != nil || report(got.Diagnostics, nil) != "shop/dev:1:13-67: "+want+said {
			t.Errorf("showing secrets (%v) says %v, %v", show, got, err)
		}
	}
	if checked, err := e.Check(t.Context(), request(t, "shop/dev", 0).Refs[0]); err != nil || len(checked.Warnings) != 1 {
		t.Errorf("checking says %+v, %v", checked, err)
	}
}

// Where nothing rotates, that is what is said, not that a name is unknown.
func TestNoRotators(t *testing.T) {
	loader := &definitions{texts: map[string]string{"shop/dev": `values: {a: {fn::rotate::aws-iam: {inputs: {}}}}`}}
	_, err := (&eval.Evaluator{Loader: loader}).Check(t.Context(), request(t, "shop/dev", 0).Refs[0])
	want := `shop/dev:1:13-46: error: escenv rotates nothing yet: there is no rotator "aws-iam" ` +
		"(give its value with fn::secret, or take sessions that need no rotation with fn::open::aws-login) [values.a]\n"
	if got := report(err, nil); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

// What the context holds comes from outside, but for the definitions' names.
func TestContext(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev":  `{imports: [shop/base], values: {a: "${context.pulumi.user.login} ${context.rootEnvironment.name} ${context.currentEnvironment.name}"}}`,
		"shop/base": `{values: {b: "${context.rootEnvironment.name} ${context.currentEnvironment.name}", all: "${context}"}}`,
	}}
	user := esc.New(map[string]esc.Value{"user": esc.New(map[string]esc.Value{"login": esc.New("ada")})})
	e := &eval.Evaluator{Loader: loader, Context: map[string]esc.Value{"pulumi": user, "rootEnvironment": esc.New("mine")}}
	env, err := e.Open(t.Context(), request(t, "shop/dev", esc.WantAll))
	if err != nil {
		t.Fatal(err)
	}
	want := "{a:ada shop/dev shop/dev all:{currentEnvironment:{name:shop/base} pulumi:{user:{login:ada}} rootEnvironment:{name:shop/dev}} b:shop/dev shop/base}"
	if got := env.Value.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A definition without a name is nobody's root.
func TestAnonymousRoot(t *testing.T) {
	loader := anonymous{&definitions{texts: map[string]string{
		"shop/dev": `{imports: [shop/a, shop/b], values: {root: "${context.rootEnvironment.name}"}}`,
		"shop/a":   `{imports: [shop/c], values: {a: "${context.rootEnvironment.name}"}}`,
		"shop/b":   `{values: {b: "${context.rootEnvironment.name}"}}`,
		"shop/c":   `{values: {c: "${context.rootEnvironment.name}"}}`,
	}}}
	env, err := (&eval.Evaluator{Loader: loader}).Open(t.Context(), request(t, "shop/dev", esc.WantAll))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := env.Value.String(), "{a:shop/a b:shop/b c:shop/a root:<yaml>}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// anonymous is a loader whose root has no name.
type anonymous struct{ *definitions }

func (a anonymous) LoadRef(ctx context.Context, ref esc.Ref) (*eval.Source, error) {
	src, err := a.definitions.LoadRef(ctx, ref)
	if err == nil {
		src.Name = eval.Anonymous
	}
	return src, err
}
