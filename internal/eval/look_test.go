package eval_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// openCounting opens references with a provider echo, which it returns.
func openCounting(t *testing.T, loader *definitions, req esc.Request, refs ...string) (*esc.Environment, *echo, error) {
	t.Helper()
	req.Refs = nil
	for _, ref := range refs {
		req.Refs = append(req.Refs, request(t, ref, 0).Refs...)
	}
	provider := &echo{}
	e := &eval.Evaluator{Loader: loader, Providers: map[string]esc.Provider{"echo": provider, "login": login{now: epoch}}}
	env, err := e.Open(t.Context(), req)
	return env, provider, err
}

// What is wrong anywhere is said, whatever is demanded, and nothing is opened.
func TestWhatIsWrongAnywhereOpensNothing(t *testing.T) {
	for _, test := range []struct{ bad, want string }{
		{`${nope}`, `shop/dev:4:10: unknown property "nope"`},
		{`${bad}`, `shop/dev:4:8: cyclic reference to "bad"`},
		{`[1, {x: "${nope}"}]`, `shop/dev:4:19: unknown property "nope"`},
		{`{fn::open::ehco: {}}`, `shop/dev:4:8: unknown provider "ehco"`},
		{`{fn::open::login: {usr: x}}`, "shop/dev:4:26: user is missing\nshop/dev:4:32: unknown input \"usr\""},
		{`"${used.x} ${token.x.y}"`, `shop/dev:4:26: a string has no x`},
		{`{fn::fromJSON: "{"}`, `shop/dev:4:8: the string is not JSON`},
		{`{fn::nope: 1}`, `shop/dev:4:9: "fn::nope" is not a built-in function`},
		{`${imports["shop/more"].x}`, `shop/dev:4:8: "shop/more" is not imported`},
	} {
		loader := &definitions{texts: map[string]string{"shop/dev": `values:
  used: {fn::open::echo: {a: 1}}
  token: text
  bad: ` + test.bad + `
  environmentVariables: {A: "${used.a}"}`}}
		for _, req := range []esc.Request{{Want: esc.WantVariables}, {Want: esc.WantPath, Path: "used.a"}, {Want: esc.WantPath, Path: "nowhere"}, {Want: esc.WantAll}} {
			_, provider, err := openCounting(t, loader, req, "shop/dev")
			if err == nil || err.Error() != test.want || provider.opened != nil {
				t.Errorf("%s, %+v: opened %v, and says %v\nwant %s", test.bad, req, provider.opened, err, test.want)
			}
		}
	}
}

// An error in one layer keeps all of them shut, and those of all are told.
func TestLayersAreLookedAtBeforeAnyIsOpened(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/fine":  `values: {a: {fn::open::echo: {b: 1}}, environmentVariables: {A: "${a.b}"}}`,
		"shop/bad":   `{imports: [shop/below], values: {a: "${nope}"}}`,
		"shop/below": `values: {hidden: "${nor.this}"}`,
		"shop/worse": `values: {environmentVariables: [1]}`,
	}}
	_, provider, err := openCounting(t, loader, esc.Request{}, "shop/fine", "shop/worse", "shop/bad")
	want := "shop/bad:1:40: unknown property \"nope\"\nshop/below:1:21: unknown property \"nor\"\n" +
		"shop/worse:1:32: environmentVariables must be an object, not a list"
	if err == nil || err.Error() != want || provider.opened != nil {
		t.Errorf("opened %v, and says %v\nwant %s", provider.opened, err, want)
	}
}

// Looking loads nothing that opening does not need, and nothing is loaded twice.
func TestLookingLoadsWhatOpeningNeeds(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev": `
imports: [shop/base, shop/keys: {merge: false}, shop/broken: {merge: false}]
values:
  opened: {fn::open::echo: {k: "${imports['shop/keys'].key}"}}
  undemanded: ["${imports['shop/broken'].x}", "${environments.shop.missing.x.y}", "${all['shop/broken'].x[1]}"]
  all: ${imports}
  environmentVariables: {A: "${opened.k}", B: "${environments.shop.inline.port}"}`,
		"shop/base":   `values: {x: 1}`,
		"shop/keys":   `{imports: [shop/base, shop/broken: {merge: false}], values: {key: k, other: "${imports['shop/broken'].x}"}}`,
		"shop/inline": `values: {port: 80}`,
		"shop/broken": `values: {x: "${nope}"}`,
	}}
	loader.texts["shop/dev"] = strings.ReplaceAll(loader.texts["shop/dev"], "'", `\"`)
	loader.texts["shop/keys"] = strings.ReplaceAll(loader.texts["shop/keys"], "'", `\"`)
	env, provider, err := openCounting(t, loader, esc.Request{}, "shop/dev")
	if err != nil || variables(env) != "A=k\nB=80\n" || len(provider.opened) != 1 {
		t.Fatalf("%v, opened %v", err, provider.opened)
	}
	want := map[string]int{"shop/dev": 1, "shop/base": 1, "shop/keys": 1, "shop/inline": 1}
	if diff := cmp.Diff(want, loader.loads); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
	loader.texts["shop/inline"] = `values: {port: 80, unused: "${nope}"}`
	_, provider, err = openCounting(t, loader, esc.Request{}, "shop/dev")
	if want := `shop/inline:1:31: unknown property "nope"`; err == nil || err.Error() != want || provider.opened != nil {
		t.Errorf("of what is referred to, it says %v, and opened %v; want %s", err, provider.opened, want)
	}
}

// What only opening can show does not matter where nobody demands it.
func TestFailuresOfWhatNobodyDemands(t *testing.T) {
	loader := &definitions{texts: map[string]string{"shop/dev": `
values:
  refused: {fn::open::login: {user: refused}}
  text: {fn::open::echo: {json: "{"}}
  made: {fn::fromJSON: "${text.json}"}
  hidden: {fn::secret: hunter2}
  unkeyed: {fn::secret: {ciphertext: ZXNjeAAAAAHo9e705fKyKo30VQ==}}
  environmentVariables: {A: "1"}`}}
	env, provider, err := openCounting(t, loader, esc.Request{}, "shop/dev")
	if err != nil {
		t.Fatal(err)
	}
	if provider.opened != nil || variables(env) != "A=1\n" || len(env.Secrets)+len(env.Leases) != 0 {
		t.Errorf("opened %v, got %s and %d secrets", provider.opened, variables(env), len(env.Secrets))
	}
	for _, path := range []string{"refused", "made"} {
		if _, _, err := openCounting(t, loader, esc.Request{Want: esc.WantPath, Path: path}, "shop/dev"); err == nil {
			t.Errorf("%s opens", path)
		}
	}
}

// Warnings keep nothing from opening, and are told whatever is demanded.
func TestWarningsOfWhatNobodyDemands(t *testing.T) {
	loader := &definitions{texts: map[string]string{
		"shop/dev":  `{imports: [shop/base], tpyo: 1, values: {a: 2, environmentVariables: {A: "1"}}}`,
		"shop/base": `values: {a: {fn::final: 1}}`,
	}}
	env, _, err := openCounting(t, loader, esc.Request{}, "shop/dev")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range env.Warnings {
		said = append(said, d.Summary)
	}
	want := []string{`unknown key "tpyo": it is ignored`, "cannot override a final value: this is ignored"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if names := slices.Sorted(maps.Keys(loader.loads)); len(names) != 2 {
		t.Errorf("loaded %v", names)
	}
}
