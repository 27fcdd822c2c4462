package eval_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/eval"
)

// origins lists where everything in o was written: "path: definition:line:col-col".
func origins(path string, o *esc.Origin) (out []string) {
	line := fmt.Sprintf("%s: %s:%d:%d-%d", path, o.Environment, o.Begin.Line, o.Begin.Column, o.End.Column)
	for b := o.Base; b != nil; b = b.Base {
		line += fmt.Sprintf(" over %s:%d", b.Environment, b.Begin.Line)
	}
	out = append(out, line)
	names := make([]string, 0, len(o.Fields))
	for name := range o.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, origins(path+"."+name, o.Fields[name])...)
	}
	for i, item := range o.Items {
		out = append(out, origins(fmt.Sprintf("%s[%d]", path, i), item)...)
	}
	return out
}

func TestOrigins(t *testing.T) {
	provider := &echo{}
	e := &eval.Evaluator{Providers: map[string]esc.Provider{"echo": provider}, Loader: &definitions{texts: map[string]string{
		"shop/base": "values:\n  db: {host: a, port: 1}\n  list: [1]\n",
		"shop/dev": `imports: [shop/base]
values:
  db: {host: "b"}
  list: [x, {y: z}]
  copy: ${db}
  opened: {fn::open::echo: {a: 1}}
`,
	}}}
	ref := request(t, "shop/dev", 0).Refs[0]
	o, err := e.Origins(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		": shop/dev:3:3-33 over shop/base:2",
		".copy: shop/dev:5:9-14",
		".copy.host: shop/dev:3:14-17 over shop/base:2",
		".copy.port: shop/base:2:23-24",
		".db: shop/dev:3:7-17 over shop/base:2",
		".db.host: shop/dev:3:14-17 over shop/base:2",
		".db.port: shop/base:2:23-24",
		".list: shop/dev:4:9-18 over shop/base:3",
		".list[0]: shop/dev:4:10-11",
		".list[1]: shop/dev:4:13-18",
		".list[1].y: shop/dev:4:17-18",
		".opened: shop/dev:6:11-33",
	}
	if diff := cmp.Diff(want, origins("", o)); diff != "" {
		t.Error(diff)
	}
	if inside := o.Field("opened").Field("a").Item(3); inside == nil || inside.Begin.Line != 6 || inside.Fields != nil {
		t.Errorf("what a provider gives came from %+v", inside)
	}
	if len(provider.opened) > 0 {
		t.Errorf("%v was opened", provider.opened)
	}
	for path, line := range map[string]int{"db.host": 3, "list[1].y": 4, "opened.a.b": 6, "copy.port": 2} {
		if o, err := e.Origins(t.Context(), ref, path); err != nil || o.Begin.Line != line {
			t.Errorf("%s came from %+v, %v; want line %d", path, o, err, line)
		}
	}
	if _, err := e.Origins(t.Context(), ref, "a["); err == nil {
		t.Error("a[ is a path")
	}
	var none *esc.Origin
	if none.Field("a") != nil || none.Item(0) != nil {
		t.Error("what came from nowhere came from somewhere")
	}
}
